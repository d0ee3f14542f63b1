import { randomInt, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import tap, { test } from 'tap';
import { SqliteStore } from '../../../scheduler/store/sqlite/sqlite-store.js';
import { loadState } from '../../../scheduler/store/load.js';
import { replay } from '../core/journal.js';
import { portraitOf } from '../core/portrait.js';
import { definitionOf, encode } from './client.js';
import { adm, Federation, newVm } from './federation.js';
import type { CreateVmResponse__Output } from '../../../proto/gen/secovia/v1/CreateVmResponse.js';

const federation = await Federation.start(tap, ['--lease-ms', '600000']);
const { api, scheduler } = federation;
const large = { architecture: 'x86_64', total: { vcpus: 1e6, memoryMib: 2e9, diskMib: 2e9, vms: 1e6 } };
const rounds = 3;
const calls = 150;

const read = (bytes: Buffer) =>
  definitionOf('CreateVm').responseDeserialize(bytes) as CreateVmResponse__Output;

test('killed with -9 while VMs are created: each exists once, as it was acknowledged, and a retry says so', async (t) => {
  await federation.host('a', { inventory: large });
  const uids = new Map<string, string>();
  for (let round = 0; round < rounds; round += 1) {
    const requests = Array.from({ length: calls }, (_, index) => {
      const request = { ...newVm(`vm-${round}-${index}`), requestId: randomUUID() };
      return { name: `${adm}/vms/${request.vmId}`, bytes: encode('CreateVm', request) };
    });
    const acknowledged = new Map<string, Buffer>();
    const killAfter = randomInt(1, calls);
    const ask = async ({ name, bytes }: { name: string; bytes: Buffer }) => {
      try {
        acknowledged.set(name, await api.bytes('CreateVm', bytes));
        if (acknowledged.size === killAfter) await scheduler.kill();
      } catch {
        // Nobody knows what became of it; that is what the request id is for.
      }
    };
    const sent: Promise<void>[] = [];
    for (const request of requests) {
      sent.push(ask(request));
      if (sent.length % 4 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.race([Promise.all(sent), scheduler.gone()]);
    await scheduler.kill();
    t.ok(acknowledged.size >= killAfter, `${acknowledged.size} of ${calls} were acknowledged`);
    await scheduler.start();
    await federation.reconnect('a', { inventory: large });
    await Promise.all(sent);
    for (const { name, bytes } of requests) {
      const answer = await api.bytes('CreateVm', bytes);
      const before = acknowledged.get(name);
      if (before !== undefined && !before.equals(answer)) t.fail(`${name} was answered otherwise`);
      uids.set(name, read(answer).vm?.uid ?? '');
    }
  }
  const names = [...uids.keys()];
  const listed = await listAll();
  t.same(listed.map(({ name }) => name).sort(), [...names].sort(), 'each is there once, and nothing else');
  t.same(
    listed.filter(({ name, uid }) => uids.get(name) !== uid),
    [],
    'and is the one that was told',
  );
  const { operations } = await api.call('ListOperations', { pageSize: 1000, filter: 'verb = create' });
  t.equal(operations.length, rounds * calls, 'each was made by one operation');
});

async function listAll() {
  const vms = [];
  let pageToken = '';
  do {
    const page = await api.call('ListVms', { pageSize: 1000, pageToken });
    vms.push(...page.vms);
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return vms;
}

test('the journal that is left gives the very state that is left', async (t) => {
  await scheduler.kill();
  const file = join(scheduler.dataDir, 'secovia.db');
  const db = new Database(file, { readonly: true });
  const bodies = db.prepare<[], string>('SELECT body FROM journal ORDER BY last').pluck().all();
  db.close();
  const lines = bodies.flatMap((body) => body.split('\n'));
  const store = new SqliteStore(file);
  const { state } = await loadState(store);
  await store.close();
  t.equal(lines.length, state.sequence, 'one line a decision');
  const [left, replayed] = [portraitOf(state), portraitOf(replay(lines))];
  t.same(replayed.entities, left.entities);
  t.same({ ...replayed.indexes, ended: [] }, { ...left.indexes, ended: [] });
});
