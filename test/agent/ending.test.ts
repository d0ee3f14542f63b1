import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';

const ending = new URL('../../agent/ending.js', import.meta.url).href;

/** Runs a program that ends itself; gives its exit status, or the signal that ended it. */
async function run(t: Test, program: string): Promise<number | string | null> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: 'ignore' });
  t.teardown(() => child.kill('SIGKILL'));
  return new Promise((resolve) => child.on('exit', (code, signal) => resolve(code ?? signal)));
}

t.test('the process ends although a file call hangs', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'secovia-ending-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  // Opening a pipe that nobody else has open hangs.
  const program = `import { open } from 'node:fs/promises';
    import { endProcess } from '${ending}';
    open('${pipe}', 'r').catch(() => undefined);
    await endProcess(100);`;
  t.equal(await run(t, program), 'SIGKILL');
});

t.test('file calls that do not hang are waited for, and then it is a plain end', async (t) => {
  const program = `import { stat } from 'node:fs/promises';
    import { endProcess } from '${ending}';
    void stat('/');
    await endProcess();`;
  t.equal(await run(t, program), 0);
});
