import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { test } from 'tap';
import { encoderOf } from '../../proto/encoder.js';
import { parseContract, readContract } from '../../proto/contract.js';
import { messageCodec } from '../../proto/index.js';
import { holds } from '../scheduler/holds.js';
import { messageOf, messages } from './messages.js';

for (const name of messages) {
  test(`${name} is written so that it reads as what the loader writes`, async (t) => {
    const encode = encoderOf(name);
    const codec = messageCodec<object, object>(name);
    holds(
      t,
      fc.property(messageOf(name), (given) => {
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
