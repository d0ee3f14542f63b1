import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { test } from 'tap';
import { readCredentials } from '../../proto/credentials.js';
import { loadState } from '../../scheduler/store/load.js';
import { SqliteStore } from '../../scheduler/store/sqlite/sqlite-store.js';
import { openAuthority } from '../../scheduler/trust/authority-folder.js';
import { program } from './api/scheduler-process.js';
import { federation, foundHere } from './api/secure-scheduler.js';
import { temporaryFolder } from './scope.js';

test('init that is killed at any moment can be repeated', async (t) => {
  let killed = 0;
  // When it dies is left to what can be seen of it: each of these appears later than the one before.
  const traces = [
    'secovia.db',
    'authority.new',
    'authority',
    'server',
    'server/server.key',
    '../root.new',
    '../root',
  ];
  for (const trace of traces) {
    const folder = temporaryFolder(t);
    const [dataDir, out] = [join(folder, 'data'), join(folder, 'root')];
    const words = ['--data-dir', dataDir, '--federation', federation, '--admin', 'root', '--out', out];
    const child = spawn(process.execPath, [program, 'init', ...words], { stdio: 'ignore' });
    const exit = once(child, 'exit');
    while (child.exitCode === null && !existsSync(join(dataDir, trace))) await pause(1);
    child.kill('SIGKILL');
    const [code] = await exit;
    if (code === null) killed += 1;
    // Again with the same words; where it was done already it says so.
    await foundHere(dataDir, out).catch(({ message }: Error) =>
      t.match(message, /there is an authority in .*, and it has administrators/, trace),
    );
    const credentials = readCredentials(out);
    const authority = await openAuthority(dataDir, Date.now());
    const serials = await administratorSerials(dataDir);
    t.ok(
      serials.length > 0 && serials.includes(authority?.recognises(credentials.chain)?.serial ?? ''),
      trace,
    );
    t.same(readdirSync(folder).sort(), ['data', 'root'], `${trace}: nothing half made is left`);
  }
  t.ok(killed > 2, `${killed} times it was killed, the others it was too late`);
});

/** What the journal knows of the administrator's certificates. */
async function administratorSerials(dataDir: string): Promise<string[]> {
  const store = new SqliteStore(join(dataDir, 'secovia.db'));
  const { state } = await loadState(store);
  await store.close();
  return (state.access.identities.get('root')?.certificates ?? []).map(({ serial }) => serial);
}
