/** What holds of the planted bugs without a search: looked at by every check, since to look for the bugs takes minutes. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { mutants } from './mutants.js';

const dist = fileURLToPath(new URL('../../', import.meta.url));

test('every rule that is built has a mutant, and each has a name of its own', async (t) => {
  const rules = new Set(mutants.map(({ rule }) => rule));
  const built = 'O1 O2 O3 O4 O5 O6 O7 F1 F2 F3 F4 L1 L2 L3 L4 E1 E2 E3 E4 S1 S2 S3 S4'.split(' ');
  t.same(
    built.filter((rule) => !rules.has(rule)),
    [],
  );
  t.equal(new Set(mutants.map(({ name }) => name)).size, mutants.length);
});

test('each mutant fits what the compiler made of its file, once', async (t) => {
  for (const { name, file, from } of mutants) {
    const text = readFileSync(`${dist}${file.replace(/\.ts$/, '.js')}`, 'utf8');
    t.equal(text.split(from).length - 1, 1, `${name} in ${file}`);
  }
});
