import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Test, test } from 'tap';
import { nativeStatus, UNAVAILABLE_CODE } from '../../native/index.js';

const COMPILED = fileURLToPath(new URL('../../native', import.meta.url));
const ADDON = fileURLToPath(new URL('../../../native/build/Release/secovia_libvirt.node', import.meta.url));

/** A copy of the package as far as this module needs it, with whatever addon the test puts there. */
function packageWith(t: Test, putAddon: (path: string) => void): string {
  const root = t.testdir({ 'package.json': '{ "type": "module" }' });
  cpSync(COMPILED, join(root, 'dist/native'), { recursive: true });
  const addon = join(root, 'native/build/Release/secovia_libvirt.node');
  mkdirSync(dirname(addon), { recursive: true });
  putAddon(addon);
  return root;
}

const SCRIPT = `
import { LibvirtError, nativeCounters, nativeStatus, openConnection } from './dist/native/index.js';
const rejection = await openConnection('test:///default').then(() => 'opened', (error) => error);
console.log(JSON.stringify({
  status: nativeStatus(),
  counters: nativeCounters() ?? null,
  rejection: rejection instanceof LibvirtError ? { message: rejection.message, code: rejection.code } : rejection,
}));
`;

interface Answer {
  status: { available: boolean; reason?: string };
  counters: unknown;
  rejection: unknown;
}

function ask(root: string): Answer {
  const child = spawnSync(process.execPath, ['--input-type=module', '--eval', SCRIPT], {
    cwd: root,
    encoding: 'utf8',
  });
  if (child.status !== 0) throw new Error(child.stderr);
  return JSON.parse(child.stdout) as Answer;
}

test('with the addon, the status has the version of libvirt', (t) => {
  t.match(nativeStatus(), { available: true, libvirtVersion: /^\d+\.\d+\.\d+$/ });
  t.end();
});

const MISSING: [what: string, putAddon: (path: string) => void, reason: RegExp][] = [
  [
    'an addon that was never built',
    () => {},
    /^the libvirt addon is not built: run apt-get install libvirt-dev .* && npm run build:native$/,
  ],
  [
    'an addon whose libvirt is gone',
    (path) => {
      // The same file, asking the loader for a library of another name.
      const bytes = readFileSync(ADDON);
      const at = bytes.indexOf('libvirt.so.0\0');
      bytes.write('libvirt.so.x', at);
      writeFileSync(path, bytes);
    },
    /^libvirt is not installed: run apt-get install libvirt0$/,
  ],
  [
    'a file that is no addon',
    (path) => copyFileSync(fileURLToPath(import.meta.url), path),
    /^the libvirt addon does not load \(.*invalid ELF header\): run npm run build:native$/,
  ],
];

for (const [what, putAddon, reason] of MISSING) {
  test(`with ${what}, importing works and one sentence says what to do`, (t) => {
    const answer = ask(packageWith(t, putAddon));
    t.equal(answer.status.available, false);
    t.match(answer.status.reason, reason);
    t.equal(answer.counters, null);
    t.same(answer.rejection, { message: answer.status.reason, code: UNAVAILABLE_CODE });
    t.end();
  });
}
