/**
 * Messages as proto3 JSON, by the descriptors of the contract: 64-bit numbers as strings, times as RFC 3339, enums
 * by name. Fields that are zero or empty are written as well, so that a script finds every key.
 */
import { readFileSync } from 'node:fs';
import type { DescMessage, FileRegistry, JsonObject } from '@bufbuild/protobuf';
import { createFileRegistry, fromBinary, toJson } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { descriptorSetPath } from '../../proto/contract.js';
import { messageCodec } from '../../proto/index.js';

export type { JsonObject, JsonValue } from '@bufbuild/protobuf';

export class ProtoJson {
  readonly #registry: FileRegistry;

  constructor() {
    this.#registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(descriptorSetPath)));
  }

  /** The answer of a method, e.g. of `VmService` and `GetVm`. */
  response(service: string, method: string, message: object): JsonObject {
    const methods = this.#registry.getService(`secovia.v1.${service}`)?.methods ?? [];
    const output = methods.find(({ name }) => name === method)?.output;
    if (output === undefined) throw new TypeError(`the contract has no ${service}/${method}`);
    return this.#convert(output, message);
  }

  #convert(schema: DescMessage, message: object): JsonObject {
    const bytes = messageCodec<object, object>(schema.typeName).serialize(this.#readable(message) as object);
    const json = toJson(schema, fromBinary(schema, bytes), {
      registry: this.#registry,
      alwaysEmitImplicit: true,
    });
    return json as JsonObject;
  }

  /** The same without error details of types that this version does not know: they have no JSON form. */
  #readable(value: unknown): unknown {
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
    if (Array.isArray(value)) {
      return value
        .filter((item) => !isAny(item) || this.#knows(item.type_url))
        .map((item) => this.#readable(item));
    }
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.#readable(item)]));
  }

  #knows(typeUrl: string): boolean {
    return this.#registry.getMessage(typeUrl.slice(typeUrl.lastIndexOf('/') + 1)) !== undefined;
  }
}

function isAny(value: unknown): value is { type_url: string } {
  return (
    typeof value === 'object' && value !== null && 'type_url' in value && typeof value.type_url === 'string'
  );
}
