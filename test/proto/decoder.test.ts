import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { test } from 'tap';
import { decoderOf } from '../../proto/decoder.js';
import { encoderOf } from '../../proto/encoder.js';
import { messageCodec } from '../../proto/index.js';
import { holds } from '../scheduler/holds.js';
import { messageOf, messages } from './messages.js';

for (const name of messages) {
  test(`${name} is read as the loader reads it`, async (t) => {
    const decode = decoderOf(name);
    const codec = messageCodec<object, object>(name);
    holds(
      t,
      fc.property(messageOf(name), (given) => {
        const bytes = codec.serialize(given);
        if (!isDeepStrictEqual(decode(bytes), codec.deserialize(bytes)))
          throw new Error(bytes.toString('hex'));
      }),
      40,
    );
  });
}

test('a number that its enumeration does not have stays a number', async (t) => {
  const bytes = encoderOf('secovia.v1.Vm')({ state: 99 });
  t.match(decoderOf('secovia.v1.Vm')(bytes), { state: 99 });
});

test('a map may have any key', async (t) => {
  const bytes = encoderOf('secovia.v1.Vm')({ labels: JSON.parse('{"__proto__":"x"}') });
  const vm = decoderOf('secovia.v1.Vm')(bytes) as { labels: Record<string, string> };
  t.same(Object.entries(vm.labels), [['__proto__', 'x']]);
});

test('of two messages without a list or a map none has that of the other', async (t) => {
  const decode = decoderOf('secovia.v1.Vm') as (bytes: Uint8Array) => {
    labels: Record<string, string>;
    numaCells: number[];
  };
  const [one, other] = [decode(Buffer.alloc(0)), decode(Buffer.alloc(0))];
  one.labels['a'] = 'b';
  one.numaCells.push(1);
  t.same(other.labels, {});
  t.same(other.numaCells, []);
});

test('bytes that are no message are refused', async (t) => {
  const decode = decoderOf('secovia.v1.CreateVmRequest');
  t.throws(() => decode(Buffer.from([0x0a, 0xff])));
  t.throws(() => decode(Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])));
});
