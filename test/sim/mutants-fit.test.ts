/** Each planted bug still fits the code that it is planted in; looked at by every check, since to look for the bugs takes minutes. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { mutants } from './mutants.js';

const dist = fileURLToPath(new URL('../../', import.meta.url));

test('each mutant fits what the compiler made of its file, once', async (t) => {
  for (const { name, file, from } of mutants) {
    const text = readFileSync(`${dist}${file.replace(/\.ts$/, '.js')}`, 'utf8');
    t.equal(text.split(from).length - 1, 1, `${name} in ${file}`);
  }
});
