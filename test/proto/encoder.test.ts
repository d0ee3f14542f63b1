import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { test } from 'tap';
import { encoderOf } from '../../proto/encoder.js';
import { parseContract, readContract } from '../../proto/contract.js';
import { messageCodec, packageDefinition } from '../../proto/index.js';
import { holds } from '../scheduler/holds.js';

const root = parseContract();

const messages = Object.keys(packageDefinition).filter((name) => {
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

for (const name of messages) {
  test(`${name} is written so that it reads as what the loader writes`, async (t) => {
    const encode = encoderOf(name);
    const codec = messageCodec<object, object>(name);
    holds(
      t,
      fc.property(message(root.lookupType(name), 0), (given) => {
        const expected = codec.serialize(structuredClone(given));
        const written = encode(given);
        if (!isDeepStrictEqual(codec.deserialize(written), codec.deserialize(expected))) {
          throw new Error(`${written.toString('hex')} instead of ${expected.toString('hex')}`);
        }
        if (written.length > expected.length)
          throw new Error(`${written.length} bytes, not ${expected.length}`);
      }),
      40,
    );
  });
}

test('a name that its enumeration does not have is refused', async (t) => {
  const encode = encoderOf('secovia.v1.Vm');
  t.throws(() => encode({ state: 'VM_STATE_NONE' }), { message: /no value/ });
});

test('an error with details survives', async (t) => {
  const value = Buffer.from([1, 2, 3]);
  const details = [{ type_url: 'type.googleapis.com/x', value }];
  const bytes = encoderOf('secovia.v1.Vm')({ error: { code: 5, message: 'x', details } });
  const { error } = messageCodec<object, { error: { details: { type_url: string; value: Uint8Array }[] } }>(
    'secovia.v1.Vm',
  ).deserialize(bytes);
  t.equal(error.details[0]?.type_url, 'type.googleapis.com/x');
  t.same(Buffer.from(error.details[0]?.value ?? []), value);
});

for (const length of [1, 63, 64, 65, 127, 128, 16_383, 16_384, 3_000_000]) {
  test(`what stands inside a message may have ${length} characters, of one byte or of more`, async (t) => {
    for (const letter of ['x', 'č', '\u{1f600}']) {
      const message = { vms: [{ name: 'a', spec: { image: letter.repeat(length) } }, { name: 'b' }] };
      const codec = messageCodec<object, object>('secovia.v1.ListVmsResponse');
      const written = encoderOf('secovia.v1.ListVmsResponse')(message);
      t.same(codec.deserialize(written), codec.deserialize(codec.serialize(message)));
    }
  });
}

test('a message that could not be written leaves nothing in the next one', async (t) => {
  const encode = encoderOf('secovia.v1.Vm');
  t.throws(() => encode({ name: 'left behind', state: 'VM_STATE_NONE' }));
  t.equal(encode({ title: 'x' }).toString('latin1'), '\x1a\x01x');
});

test('what programs read of the contract is what its sources say', async (t) => {
  t.same(readContract(), JSON.parse(JSON.stringify(parseContract().toJSON({ keepComments: false }))));
});
