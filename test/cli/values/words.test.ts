import t from 'tap';
import {
  addLabel,
  parseCount,
  parseCountry,
  parseDigest,
  parseOvercommitPercent,
  parseServer,
  parseTrait,
  parseUuid,
  parseWantedTrait,
} from '../../../cli/values/words.js';

t.test('counts are whole and positive', async (t) => {
  t.equal(parseCount('12'), 12);
  for (const text of ['0', '-1', '1.5', '1e3', 'two', '', '99999999999', ' 1']) {
    t.throws(() => parseCount(text), { name: 'ValueError', message: /whole number of at least 1/ }, text);
  }
});

t.test('labels are collected, each key once', async (t) => {
  const labels = addLabel('note=a=b', addLabel('env=prod', undefined));
  t.same(labels, { env: 'prod', note: 'a=b' });
  t.same(addLabel('empty=', undefined), { empty: '' });
  t.throws(() => addLabel('env=test', labels), { message: /"env" is given twice/ });
  t.throws(() => addLabel('=x', undefined), { message: /Write KEY=VALUE/ });
  t.throws(() => addLabel('x', undefined), { message: /Write KEY=VALUE/ });
  t.throws(() => addLabel('__proto__=x', undefined), { message: /cannot be called/ });
});

t.test('countries, ids and digests are checked by form', async (t) => {
  t.equal(parseCountry('bg'), 'BG');
  t.throws(() => parseCountry('Bulgaria'), { message: /two letters/ });
  const uuid = '6f1f3c1e-0b0a-4f6e-9f53-1f6d2f5f0001';
  t.equal(parseUuid(uuid.toUpperCase()), uuid);
  t.throws(() => parseUuid('1'), { message: /UUID/ });
  t.equal(parseDigest(`sha256:${'A'.repeat(64)}`), `sha256:${'a'.repeat(64)}`);
  t.throws(() => parseDigest('sha256:abc'), { message: /64 digits/ });
});

t.test('a server is an address and a port', async (t) => {
  t.equal(parseServer('127.0.0.1:7443'), '127.0.0.1:7443');
  t.equal(parseServer('scheduler.example.org'), 'scheduler.example.org:7443');
  t.equal(parseServer('[::1]:7000'), '[::1]:7000');
  t.throws(() => parseServer('http://x:1'), { message: /without a scheme/ });
  for (const text of ['', 'x:', 'x:0', 'x:99999', 'a b:1', '::1', 'x/y:1']) {
    t.throws(() => parseServer(text), { message: /ADDRESS:PORT/ }, text);
  }
});

t.test('a trait is one word; those of CPUs can be asked for and not given', async (t) => {
  t.equal(parseTrait('gpu/a30'), 'gpu/a30');
  t.equal(parseWantedTrait('ssd'), 'ssd');
  t.equal(parseWantedTrait('cpu:avx512-vnni'), 'cpu:avx512-vnni');
  t.throws(() => parseTrait('SSD'), { message: /one trait of up to 63.*for example gpu\/a30\.$/ });
  t.throws(() => parseTrait('cpu:avx2'), { message: /machine itself reports/ });
  for (const text of ['', 'SSD', 'a,b', 'a b', 'x'.repeat(64), 'cpu:', 'gpu:a30']) {
    t.throws(
      () => parseWantedTrait(text),
      { name: 'ValueError', message: /or cpu: and a feature of the CPU/ },
      text,
    );
  }
});

t.test('an overcommit is a percentage, with or without its sign', async (t) => {
  t.equal(parseOvercommitPercent('400'), 400);
  t.equal(parseOvercommitPercent('400%'), 400);
  t.equal(parseOvercommitPercent('10'), 10);
  t.equal(parseOvercommitPercent('3200%'), 3200);
  for (const text of ['', '9', '3201', '4.0', '-400', '400 %', '4x', '%', '0400000']) {
    t.throws(() => parseOvercommitPercent(text), { name: 'ValueError', message: /10 to 3200 percent/ }, text);
  }
});
