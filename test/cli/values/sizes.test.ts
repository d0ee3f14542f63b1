import fc from 'fast-check';
import t from 'tap';
import { formatBytes, formatMib, parseSizeBytes, parseSizeMib, typedMib } from '../../../cli/values/sizes.js';
import { ValueError } from '../../../cli/values/value-error.js';

const units = { MiB: 1, GiB: 1024, TiB: 1024 * 1024 } as const;
const unit = fc.constantFrom<keyof typeof units>('MiB', 'GiB', 'TiB');

t.test('every whole number of a binary unit is read exactly', async (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2047 }), unit, (amount, name) => {
      return parseSizeMib(`${amount}${name}`) === amount * units[name];
    }),
  );
  t.equal(parseSizeMib('128MiB'), 128);
  t.equal(parseSizeMib('1GiB'), 1024);
  t.equal(parseSizeMib('2TiB'), 2 * 1024 * 1024);
});

t.test('whatever is typed gives a size or a sentence, nothing else', async (t) => {
  let refused = 0;
  fc.assert(
    fc.property(
      fc.oneof(fc.string(), fc.tuple(fc.float(), fc.string({ maxLength: 4 })).map(String)),
      (text) => {
        try {
          const mib = parseSizeMib(text);
          return Number.isInteger(mib) && mib > 0 && mib < 2 ** 31;
        } catch (error) {
          refused++;
          return error instanceof ValueError && /^[A-Z].*[.]$/s.test(error.message);
        }
      },
    ),
    { numRuns: 2000 },
  );
  t.ok(refused > 0);
  t.throws(() => parseSizeMib('1toString'), ValueError, 'words that every object knows are no units');
});

t.test('small sizes are shown exactly', async (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_239 }), (mib) => {
      const shown = formatMib(mib).replace(' ', '');
      return shown.includes('.') ? mib % 512 === 0 : parseSizeMib(shown) === mib;
    }),
  );
  t.equal(formatMib(128), '128 MiB');
  t.equal(formatMib(1500), '1500 MiB');
  t.equal(formatMib(1536), '1.5 GiB');
  t.equal(formatMib(2 * 1024 * 1024), '2 TiB');
  t.equal(formatBytes(13_287_936), '12.7 MiB');
  t.equal(formatBytes(1000), '1000 B');
});

t.test('a refusal says what to type', async (t) => {
  const cases: Record<string, RegExp> = {
    '1GB': /Units are binary.*write 1GiB/,
    '4g': /write 4GiB/,
    '128MB': /write 128MiB/,
    '2gib': /write 2GiB/,
    '128': /Say the unit: 128MiB or 128GiB/,
    '1.5GiB': /write 1536MiB/,
    '0.3GiB': /Only whole numbers/,
    '0MiB': /more than zero/,
    '-1GiB': /more than zero/,
    '1 GiB': /Leave out the space: write 1GiB/,
    '64KiB': /smallest unit is MiB/,
    '5000TiB': /too large/,
    '1PiB': /units are MiB, GiB and TiB/,
    '': /whole number and a unit/,
    much: /whole number and a unit/,
    '1_000MiB': /Only whole numbers/,
  };
  for (const [text, sentence] of Object.entries(cases)) {
    t.throws(() => parseSizeMib(text), { name: 'ValueError', message: sentence }, text);
  }
});

t.test('sizes of files may be given in bytes', async (t) => {
  t.equal(parseSizeBytes('13287936'), 13_287_936);
  t.equal(parseSizeBytes('12MiB'), 12 * 1024 * 1024);
  t.throws(() => parseSizeBytes('0'), { name: 'ValueError' });
  t.throws(() => parseSizeBytes('99999999999999999'), { name: 'ValueError' });
});

t.test('a size can be said so that it is typed again exactly', async (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 31 - 1 }), (mib) => parseSizeMib(typedMib(mib)) === mib),
  );
  t.equal(typedMib(1536), '1536MiB');
  t.equal(typedMib(20 * 1024), '20GiB');
  t.equal(typedMib(2 * 1024 * 1024), '2TiB');
});
