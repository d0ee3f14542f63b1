/**
 * Where the contract lies, and in which form it is read: programs take it as the JSON that the build has made of it, since to
 * parse the .proto files takes a tenth of a second each time that somebody types `secovia`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import protobuf from 'protobufjs';

/** The folder of the .proto files. The compiled module lies in dist/proto, two levels below the package's root. */
export const protoRoot = fileURLToPath(new URL('../../proto/', import.meta.url));

/** The contract as a serialised google.protobuf.FileDescriptorSet, for reflection and for proto3 JSON. */
export const descriptorSetPath = `${protoRoot}gen/secovia.binpb`;

/** The contract as protobufjs has it in memory; `write-contract.ts` makes it. */
export const contractPath = `${protoRoot}gen/contract.json`;

/** As it was built. */
export function readContract(): protobuf.INamespace {
  return JSON.parse(readFileSync(contractPath, 'utf8'));
}

/** From its sources. */
export function parseContract(): protobuf.Root {
  const root = new protobuf.Root();
  const bundled = root.resolvePath.bind(root);
  root.resolvePath = (origin, target) =>
    target.startsWith('google/protobuf/') ? bundled(origin, target) : `${protoRoot}${target}`;
  root.loadSync(contractFiles()).resolveAll();
  return root;
}

/** The .proto files of the contract, from `protoRoot`. */
function contractFiles(): string[] {
  const own = readdirSync(`${protoRoot}secovia/v1`).filter((file) => file.endsWith('.proto'));
  return [
    ...own.sort().map((file) => `secovia/v1/${file}`),
    'google/rpc/status.proto',
    'google/rpc/error_details.proto',
  ];
}
