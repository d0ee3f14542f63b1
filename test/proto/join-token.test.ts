import fc from 'fast-check';
import t from 'tap';
import { decodeJoinWord, encodeJoinWord, type JoinWord } from '../../proto/join-token.js';

const word: JoinWord = {
  addresses: ['scheduler.example:7443', '[2001:db8::1]:7443'],
  federation: 'see',
  site: 'zagreb',
  fingerprint: 'ab'.repeat(32),
  token: 't0123456789ab',
  secret: 'A'.repeat(43),
};

t.test('a word says what went into it', async (t) => {
  t.same(decodeJoinWord(encodeJoinWord(word)), word);
  t.match(encodeJoinWord(word), /^secovia-join-1\.[A-Za-z0-9_-]+$/, 'one word for every shell');
});

t.test('what is not a whole word is refused in a sentence', async (t) => {
  const wrong: [string, Partial<Record<keyof JoinWord, unknown>>][] = [
    ['no address', { addresses: [] }],
    ['nine addresses', { addresses: Array(9).fill('a:1') }],
    ['an address without a port', { addresses: ['a'] }],
    ['an address that is more', { addresses: ['user@a:1'] }],
    ['a site that is a path', { site: '../x' }],
    ['a federation with a slash', { federation: 'a/b' }],
    ['a short fingerprint', { fingerprint: 'ab' }],
    ['a short secret', { secret: 'A' }],
    ['a number', { token: 5 }],
  ];
  for (const [what, change] of wrong)
    t.match(decodeJoinWord(encodeJoinWord({ ...word, ...change } as JoinWord)), /is not whole/, what);
  t.match(decodeJoinWord(encodeJoinWord(word).slice(0, -9)), /is not whole/);
  t.match(decodeJoinWord(`${encodeJoinWord(word)}${'A'.repeat(5000)}`), /is not whole/);
  t.match(decodeJoinWord('secovia-join-2.x'), /of another version/);
  t.match(decodeJoinWord(''), /is no join token/);
});

t.test('whatever is said, the answer is a word or a sentence', async (t) => {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.json());
  let words = 0;
  fc.assert(
    fc.property(text, fc.boolean(), (content, encoded) => {
      const inner = encoded ? Buffer.from(content).toString('base64url') : content;
      if (typeof decodeJoinWord(`secovia-join-1.${inner}`) !== 'string') words += 1;
    }),
    { numRuns: 2000 },
  );
  t.equal(words, 0);
});
