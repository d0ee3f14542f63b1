/** Random messages of the contract, as a handler could give them. */
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { parseContract } from '../../proto/contract.js';
import { packageDefinition } from '../../proto/index.js';

const root = parseContract();

/** Full names. */
export const messages = Object.keys(packageDefinition).filter((name) => {
  const definition = packageDefinition[name];
  return name.startsWith('secovia.v1.') && definition !== undefined && 'serialize' in definition;
});

const longs = new Set(['int64', 'uint64', 'sint64', 'fixed64', 'sfixed64']);

/** Any value that a handler could give a field of this type. */
function scalar(type: string): fc.Arbitrary<unknown> {
  if (type === 'string')
    return fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('', 'č\u{1f600}', '__proto__'));
  if (type === 'bool') return fc.boolean();
  if (type === 'bytes') return fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes));
  if (longs.has(type)) return fc.maxSafeInteger();
  return fc.integer();
}

function one(field: protobuf.Field, depth: number): fc.Arbitrary<unknown> {
  const { resolvedType } = field;
  if (resolvedType instanceof protobuf.Enum) return fc.constantFrom(...Object.keys(resolvedType.values));
  if (resolvedType instanceof protobuf.Type) return message(resolvedType, depth + 1);
  return scalar(field.type);
}

function value(field: protobuf.Field, depth: number): fc.Arbitrary<unknown> {
  if (field.map) return fc.dictionary(fc.string(), one(field, depth), { maxKeys: 4, noNullPrototype: true });
  if (field.repeated) return fc.array(one(field, depth), { maxLength: 3 });
  return fc.option(one(field, depth), {
    nil: field.resolvedType instanceof protobuf.Type ? null : undefined,
  });
}

/** A message as a plain object, with at most one field of each oneof. */
function message(type: protobuf.Type, depth: number): fc.Arbitrary<Record<string, unknown>> {
  if (depth > 4) return fc.constant({});
  const free = type.fieldsArray.filter((field) => field.partOf === null);
  const plain = fc.record(Object.fromEntries(free.map((field) => [field.name, value(field, depth)])), {
    requiredKeys: [],
    noNullPrototype: true,
  });
  const choices = type.oneofsArray.map((oneof) =>
    fc.option(
      fc.constantFrom(...oneof.fieldsArray).chain((field) => fc.record({ [field.name]: one(field, depth) })),
    ),
  );
  return fc
    .tuple(plain, ...choices)
    .map((parts) => Object.assign({}, ...parts.filter((part) => part !== null)));
}

export function messageOf(name: string): fc.Arbitrary<Record<string, unknown>> {
  return message(root.lookupType(name), 0);
}
