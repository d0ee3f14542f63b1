import fc from 'fast-check';
import t from 'tap';
import { harmless, harmlessJson } from '../../../cli/output/harmless.js';

const controls = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u;

t.test('what a terminal would obey becomes visible', async (t) => {
  t.equal(harmless('\x1b[31mred\x1b[0m'), '\\x1b[31mred\\x1b[0m');
  t.equal(harmless('a\nb\tc\rd'), 'a\\nb\\tc\\rd');
  t.equal(harmless('\x9b2J'), '\\x9b2J', 'the one-byte form of an escape sequence');
  t.equal(harmless('user\u202egpj.exe'), 'user\\u202egpj.exe', 'text that would read backwards');
  t.equal(harmless('\x00\x07\x7f'), '\\x00\\x07\\x7f');
});

t.test('other scripts stay as they are', async (t) => {
  for (const text of ['София', '東京データ', 'Αθήνα', 'Прищина – Приштина', '🏛', 'e\u0301']) {
    t.equal(harmless(text), text);
  }
});

t.test('no control character survives, whatever comes', async (t) => {
  let seen = 0;
  const nasty = fc.string({
    unit: fc.oneof(
      fc.string({ maxLength: 1 }),
      fc.nat(0x2070).map((n) => String.fromCharCode(n)),
    ),
  });
  fc.assert(
    fc.property(nasty, (text) => {
      if (controls.test(text)) seen++;
      return !controls.test(harmless(text));
    }),
  );
  t.ok(seen > 0, 'some had control characters');
});

t.test('JSON keeps its meaning', async (t) => {
  let checked = 0;
  const nasty = fc.string({ unit: fc.nat(0x2070).map((n) => String.fromCharCode(n)) });
  fc.assert(
    fc.property(nasty, (text) => {
      checked++;
      const json = harmlessJson(JSON.stringify({ text }));
      return !controls.test(json) && (JSON.parse(json) as { text: string }).text === text;
    }),
  );
  t.ok(checked > 0);
});
