import { test } from 'tap';
import { Requests, requestKeptMs, requestsPerCaller } from '../../../scheduler/api/requests.js';
import type { KeptRequest, LoadedRequest } from '../../../scheduler/store/store.js';
import { MemoryDisk, MemoryStore } from '../store/memory-store.js';

const caller = 'anonymous';
const method = '/secovia.v1.VmService/CreateVm';
const startMs = 1_700_000_000_000;

const success = (id: string, atMs: number) => ({
  caller,
  method,
  id,
  hash: `content of ${id}`,
  sequence: 7,
  reply: Buffer.from(`reply to ${id}`),
  atMs,
});

function fresh(loaded: LoadedRequest[] = []): { requests: Requests; disk: MemoryDisk } {
  const disk = new MemoryDisk();
  return { requests: new Requests(new MemoryStore(disk), loaded), disk };
}

test('a call is new until it has succeeded, then a repetition, or a second use of its id', async (t) => {
  const { requests } = fresh();
  t.same(requests.find(caller, method, 'one', 'x', startMs), { kind: 'new' });
  requests.remember(success('one', startMs));
  const again = requests.find(caller, method, 'one', 'content of one', startMs);
  if (again.kind !== 'repeat') throw new Error(again.kind);
  t.equal(again.sequence, 7, 'it waits for the first one to be durable');
  t.equal(String(again.reply()), 'reply to one');
  t.same(requests.find(caller, method, 'one', 'something else', startMs), { kind: 'other_content' });
});

test('ids are told apart by method and by caller', async (t) => {
  const { requests } = fresh();
  requests.remember(success('one', startMs));
  t.equal(requests.find(caller, '/secovia.v1.VmService/StopVm', 'one', 'x', startMs).kind, 'new');
  t.equal(requests.find('somebody', method, 'one', 'x', startMs).kind, 'new');
});

test('an answer that is stored is read from there, and not kept in memory', async (t) => {
  const { requests, disk } = fresh();
  const { kept, stored } = requests.remember(success('one', startMs));
  disk.requests.set(kept.row, { ...kept, reply: Buffer.from('from the disk') });
  stored();
  const again = requests.find(caller, method, 'one', 'content of one', startMs);
  if (again.kind !== 'repeat') throw new Error(again.kind);
  t.equal(String(again.reply()), 'from the disk');
});

test('a call is remembered for a day, and then its id may be used again', async (t) => {
  const { requests } = fresh();
  requests.remember(success('one', startMs));
  const kind = (atMs: number) => requests.find(caller, method, 'one', 'content of one', atMs).kind;
  t.equal(kind(startMs + requestKeptMs), 'repeat');
  t.equal(kind(startMs + requestKeptMs + 1), 'new');
  requests.remember(success('one', startMs + requestKeptMs + 1));
  t.equal(kind(startMs + 2 * requestKeptMs), 'repeat');
});

test('an id that is used again after its day is not forgotten with the older use', async (t) => {
  const { requests } = fresh();
  const later = startMs + requestKeptMs + 1;
  requests.remember(success('one', startMs));
  requests.remember(success('one', later));
  requests.remember(success('two', later + 1));
  t.equal(requests.find(caller, method, 'one', 'content of one', later + 2).kind, 'repeat');
});

test('rows rise, go on after a restart, and are forgotten once everything before them is old', async (t) => {
  const { requests } = fresh();
  const rows: KeptRequest[] = [];
  let forgotten = 0;
  const stepMs = 600_000;
  const stepsADay = requestKeptMs / stepMs;
  for (let step = 0; step < 500; step += 1) {
    const { kept, forgetBefore } = requests.remember(success(`id-${step}`, startMs + step * stepMs));
    rows.push(kept);
    forgotten = Math.max(forgotten, forgetBefore);
    const kind = (back: number) =>
      requests.find(caller, method, `id-${step - back}`, `content of id-${step - back}`, kept.atMs).kind;
    const wrong = [
      step >= stepsADay && kind(stepsADay) !== 'repeat',
      step > stepsADay && kind(stepsADay + 1) !== 'new',
      rows.some(({ row, atMs }) => row < forgotten && atMs >= kept.atMs - requestKeptMs),
    ];
    if (wrong.includes(true)) t.fail(`at step ${step}: ${wrong}`);
  }
  t.ok(forgotten > 250, `rows below ${forgotten} are gone`);
  const left = rows.filter(({ row }) => row >= forgotten);
  const { requests: again } = fresh(left);
  const last = rows.at(-1) as KeptRequest;
  t.equal(again.remember(success('next', last.atMs)).kept.row, last.row + 1);
  t.equal(again.find(caller, method, 'id-499', 'content of id-499', last.atMs).kind, 'repeat');
});

test('one caller cannot make the scheduler remember without limit, neither in memory nor on disk', async (t) => {
  const { requests } = fresh();
  let forgotten = 0;
  for (let index = 0; index < requestsPerCaller + 1000; index += 1) {
    const { forgetBefore } = requests.remember(success(`id-${index}`, startMs));
    forgotten = Math.max(forgotten, forgetBefore);
  }
  const kind = (index: number) =>
    requests.find(caller, method, `id-${index}`, `content of id-${index}`, startMs).kind;
  t.equal(kind(0), 'new', 'the oldest is forgotten early');
  t.equal(kind(999), 'new');
  t.equal(kind(1000), 'repeat');
  t.ok(forgotten >= 900, `and so is its row: below ${forgotten}`);
  t.ok(forgotten <= 1001, 'but no row that is still known');
});

test('callers of whom nothing is remembered any more are forgotten: each user of a portal is one', async (t) => {
  const { requests } = fresh();
  for (let user = 0; user < 500; user += 1)
    requests.remember({ ...success('an-id', startMs), caller: `user-${user}` });
  t.equal(requests.callers, 500);
  for (let call = 0; call < 100; call += 1)
    requests.remember(success(`id-${call}`, startMs + requestKeptMs + 1));
  t.equal(requests.callers, 1);
});

test('a restart remembers no more than the limit', async (t) => {
  const loaded = Array.from({ length: requestsPerCaller + 10 }, (_, index) => ({
    row: index + 1,
    caller,
    method,
    id: `id-${index}`,
    hash: `content of id-${index}`,
    atMs: startMs,
  }));
  const { requests } = fresh(loaded);
  const kind = (index: number) =>
    requests.find(caller, method, `id-${index}`, `content of id-${index}`, startMs).kind;
  t.equal(kind(9), 'new');
  t.equal(kind(10), 'repeat');
  t.equal(kind(requestsPerCaller + 9), 'repeat');
});
