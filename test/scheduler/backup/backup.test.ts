import { existsSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { inventory } from '../api/agent.js';
import { Api } from '../api/client.js';
import { Federation, newVm } from '../api/federation.js';
import { SchedulerProcess } from '../api/scheduler-process.js';
import { init, SecureScheduler } from '../api/secure-scheduler.js';
import { runProgram } from '../run-program.js';
import { temporaryFolder } from '../scope.js';
import { eventually } from '../within.js';
import { run } from './running.js';

const mode = (path: string) => statSync(path).mode & 0o777;

test('a backup of a busy scheduler has every VM that was acknowledged before it began', async (t) => {
  const federation = await Federation.start(t, ['--lease-ms', '600000']);
  const { api, scheduler } = federation;
  const agent = await federation.host('a', { obeys: true, inventory: inventory(100) });
  const folder = temporaryFolder(t);
  const file = join(folder, 'busy.backup');
  const acknowledged: string[] = [];
  let busy = true;
  const callers = ['a', 'b', 'c'].map(async (caller) => {
    for (let index = 0; busy; index += 1) {
      const { vm } = await api.call('CreateVm', newVm(`${caller}-${index}`, tiny));
      acknowledged.push(vm?.name ?? '');
    }
  });
  await eventually(
    'there are VMs',
    () => acknowledged.length,
    (vms) => vms >= 60,
  );
  const before = [...acknowledged];
  const made = await run(['backup', file, '--data-dir', scheduler.dataDir, '--output', 'json']);
  const after = acknowledged.length;
  busy = false;
  await Promise.all(callers);
  agent.close();
  t.match(made, { status: 0, stderr: '' });
  t.ok(after > before.length, `${after - before.length} VMs were made meanwhile`);
  const summary = JSON.parse(made.stdout);
  t.match(summary, { file, federation: 'secovia', hosts: 1, epoch: { incarnation: 1, counter: 1 } });
  t.equal(summary.bytes, statSync(file).size);
  t.ok(summary.vms >= before.length, `${summary.vms} VMs, and ${before.length} were acknowledged`);

  const dataDir = join(folder, 'restored');
  t.match(await run(['restore', file, '--data-dir', dataDir]), { status: 0, stderr: '' });
  const restored = await SchedulerProcess.start(t, { dataDir });
  const there = new Api(restored.address);
  t.teardown(() => there.close());
  const names = new Set<string>();
  for (let pageToken = ''; ; ) {
    const page = await there.call('ListVms', { parent: 'administrations/adm', pageSize: 1000, pageToken });
    for (const { name } of page.vms ?? []) names.add(name);
    pageToken = page.nextPageToken;
    if (pageToken === '') break;
  }
  t.same(
    before.filter((name) => !names.has(name)),
    [],
  );
  t.equal(names.size, summary.vms, 'it holds what it says');
  t.same((await there.call('VerifyQuotas', {})).differences, []);
});

const tiny = { spec: { vcpus: 1, memoryMib: 64, diskMib: 100, image: 'images/tiny' } };

test('a backup has the keys, is for its owner alone, and takes the place of nothing', async (t) => {
  const { scheduler } = await SecureScheduler.start(t);
  const { dataDir } = scheduler;
  const folder = temporaryFolder(t);
  const file = join(folder, 'lab.backup');
  t.match(runProgram(['backup', file, '--data-dir', dataDir]), {
    status: 0,
    stderr: '',
    stdout: /holds federation lab as of decision \d+ .*: 0 VMs, 0 hosts, .*It was read again and is whole/,
  });
  t.equal(mode(file), 0o600);
  t.match(runProgram(['backup', file, '--data-dir', dataDir]), {
    status: 1,
    stdout: '',
    stderr: /^secovia-scheduler: .*lab.backup is there already; choose another name, or say --force\n$/,
  });
  const again = runProgram(['backup', file, '--data-dir', dataDir, '--force', '--output', 'json']);
  t.equal(again.stderr, '');
  const everything = [
    'authority/authority.key',
    'authority/authority.pem',
    'checkpoint.key',
    'server/server.key',
  ];
  t.same(JSON.parse(again.stdout).backup.files, everything);
  const kept = readdirSync(dataDir, { recursive: true, encoding: 'utf8' })
    .filter((path) => statSync(join(dataDir, path)).isFile() && !path.startsWith('secovia.db'))
    .sort();
  t.same(kept, everything, 'there is nothing else in the folder');
  t.same(readdirSync(folder), ['lab.backup']);
});

test('a backup of a stopped scheduler leaves its folder as it was', async (t) => {
  const folder = temporaryFolder(t);
  const dataDir = join(folder, 'data');
  init(dataDir, join(folder, 'root'));
  const before = readFileSync(join(dataDir, 'secovia.db'));
  const names = readdirSync(dataDir);
  t.equal(runProgram(['backup', join(folder, 'x'), '--data-dir', dataDir]).status, 0);
  t.same(readdirSync(dataDir), names);
  t.same(readFileSync(join(dataDir, 'secovia.db')), before);
});

test('what cannot be backed up, or not there, is refused in one sentence', async (t) => {
  const folder = temporaryFolder(t);
  const dataDir = join(folder, 'data');
  init(dataDir, join(folder, 'root'));
  mkdirSync(join(folder, 'taken'));
  for (const [file, data, words] of [
    [join(folder, 'x'), join(folder, 'nowhere'), /there is no federation in .*nowhere: it has no secovia.db/],
    [join(dataDir, 'secovia.db'), dataDir, /is a part of the scheduler's own data/],
    [join(folder, 'none', 'x'), dataDir, /cannot write the backup .*ENOENT/],
    [join(folder, 'taken'), dataDir, /taken is no file; choose another name/],
  ] as const) {
    const { status, stdout, stderr } = runProgram(['backup', file, '--data-dir', data, '--force']);
    t.same([status, stdout, stderr.split('\n').length], [1, '', 2]);
    t.match(stderr, words);
  }
  t.equal(runProgram(['verify', dataDir]).status, 0);
});

test('nobody goes on from a backup as it is', async (t) => {
  const folder = temporaryFolder(t);
  const dataDir = join(folder, 'data');
  init(dataDir, join(folder, 'root'));
  const other = join(folder, 'other');
  mkdirSync(other);
  runProgram(['backup', join(other, 'secovia.db'), '--data-dir', dataDir]);
  t.ok(existsSync(join(other, 'secovia.db')));
  t.match(runProgram(['run', '--insecure', '--listen', '127.0.0.1:1', '--data-dir', other]), {
    status: 1,
    stderr: /is a backup, and nobody may go on from it as it is; say: secovia-scheduler restore/,
  });
});
