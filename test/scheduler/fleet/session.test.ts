import { EventEmitter } from 'node:events';
import { test } from 'tap';
import type { LinkResponse } from '../../../proto/gen/secovia/v1/LinkResponse.js';
import { AgentSession } from '../../../scheduler/fleet/session.js';
import { EngineWorld } from '../engine-world.js';
import { MemoryStore } from '../store/memory-store.js';
import { answering, roomy } from '../core/world.js';

/** A wire whose room the test decides. */
class Wire extends EventEmitter {
  readonly written: LinkResponse[] = [];
  ended = false;
  room = true;

  write(message: LinkResponse): boolean {
    if (this.ended) throw new Error('written after the end');
    this.written.push(message);
    return this.room;
  }

  end(): void {
    this.ended = true;
  }

  /** What was desired, in the order in which it was said. */
  desired(): string[] {
    return this.written
      .flatMap(({ desired, desiredSet }) => [...(desired ? [desired] : []), ...(desiredSet?.desired ?? [])])
      .map(({ uid, generation }) => `${uid}.${generation}`);
  }

  synced(): number {
    return this.written.filter(({ desiredSynced }) => desiredSynced).length;
  }
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** A host with some VMs, and a session on a wire. */
async function linked(vms: number) {
  const store = new MemoryStore();
  const world = await EngineWorld.on(store);
  world.site('zagreb');
  world.administration('adm');
  world.image('tiny');
  world.host('a', 'zagreb', { ...roomy, vcpus: 10_000, memoryMib: 1e8, diskMib: 1e8, vms: 10_000 });
  const uids = Array.from({ length: vms }, (_, index) => world.vm(`vm-${index}`).uid);
  await world.engine.readable();
  const wire = new Wire();
  const session = new AgentSession('a', 'boot-1', 'agent-1', world.engine, wire, answering);
  return { world, store, wire, session, uids };
}

test('nothing is desired before the welcome, however often a VM changes', async (t) => {
  const { wire, session, uids } = await linked(3);
  for (const uid of uids) session.mark(uid);
  await turns();
  t.same(wire.written, []);
  session.welcome({ leaseMs: 1 });
  await turns();
  t.ok(wire.written[0]?.welcome);
  t.same(
    wire.desired(),
    uids.map((uid) => `${uid}.1`),
  );
  t.equal(wire.synced(), 1);
  t.ok(wire.written.at(-1)?.desiredSynced, 'and last that this is all');
});

test('a VM is told again only when term or generation have changed', async (t) => {
  const { world, wire, session, uids } = await linked(2);
  const [uid = ''] = uids;
  session.welcome({});
  await turns();
  session.mark(uid);
  await turns();
  t.equal(wire.desired().length, 2);
  const vm = world.state.vms.get(uid);
  if (vm === undefined) throw new Error('no VM');
  world.stop(vm);
  session.mark(uid);
  await turns();
  t.same(wire.desired().at(-1), `${uid}.2`);
  t.equal(wire.synced(), 1);
});

test('what is not durable yet is not said', async (t) => {
  const { world, store, wire, session, uids } = await linked(1);
  session.welcome({});
  await turns();
  const vm = world.state.vms.get(uids[0] as string);
  if (vm === undefined) throw new Error('no VM');
  store.held = true;
  world.stop(vm);
  session.mark(vm.uid);
  await turns();
  t.equal(wire.desired().length, 1);
  store.release();
  await turns();
  t.same(wire.desired().at(-1), `${vm.uid}.2`);
});

test('a slow agent is waited for, and then told what is, not what was', async (t) => {
  const { world, wire, session, uids } = await linked(1000);
  wire.room = false;
  session.welcome({});
  await turns();
  t.equal(wire.written.length, 1, 'the welcome filled the wire');
  for (const uid of uids) {
    const vm = world.state.vms.get(uid);
    if (vm) world.stop(vm);
  }
  await world.engine.readable();
  for (const uid of uids) session.mark(uid);
  wire.room = true;
  wire.emit('drain');
  await turns();
  t.equal(new Set(wire.desired().map((word) => word.split('.')[0])).size, 1000);
  t.equal(wire.synced(), 1);
  const stale = wire.desired().filter((word) => word.endsWith('.1')).length;
  t.ok(stale <= 200, `${stale} had been made ready before`);
});

test('of leases that find no room only the newest is sent', async (t) => {
  const { wire, session } = await linked(0);
  session.welcome({});
  await turns();
  wire.room = false;
  for (let id = 1; id <= 1000; id += 1) session.grant({ id, leaseMs: 1000 });
  const grants = () => wire.written.flatMap(({ leaseGrant }) => (leaseGrant ? [leaseGrant.id] : []));
  t.same(grants(), [1]);
  wire.room = true;
  wire.emit('drain');
  t.same(grants(), [1, 1000]);
  session.grant({ id: 1001, leaseMs: 1000 });
  t.same(grants(), [1, 1000, 1001]);
});

test('a lease that waits for room is not lost when the session ends', async (t) => {
  const { wire, session } = await linked(0);
  session.welcome({});
  await turns();
  wire.room = false;
  session.grant({ id: 1, leaseMs: 1000 });
  session.grant({ id: 2, leaseMs: 600_000 });
  session.end();
  t.match(wire.written.at(-1), { leaseGrant: { id: 2, leaseMs: 600_000 } });
  t.ok(wire.ended);
});

test('after its end a session says nothing, whatever comes', async (t) => {
  const { wire, session, uids } = await linked(300);
  wire.room = false;
  session.welcome({});
  await turns();
  session.reject('REPLACED', 'by another', true);
  const { length } = wire.written;
  t.match(wire.written.at(-1), { rejected: { reason: 'REPLACED', retryable: true } });
  wire.room = true;
  wire.emit('drain');
  for (const uid of uids) session.mark(uid);
  session.grant({ id: 1 });
  session.reject('REPLACED', 'again', true);
  session.end();
  await turns();
  t.equal(wire.written.length, length);
});

test('in recovery nothing is desired', async (t) => {
  const { world, wire, session } = await linked(5);
  world.run({ type: 'recovery.enter', sites: ['zagreb'], reason: 'a test' });
  session.welcome({});
  await turns();
  t.equal(wire.written.length, 1);
});

test('of a VM that is gone nothing is remembered, and one that comes again is told again', async (t) => {
  const { wire, session, uids } = await linked(3);
  session.welcome({ leaseMs: 1 });
  await turns();
  t.equal(session.remembered, 3);
  const [uid = ''] = uids;
  session.forget(uid);
  t.equal(session.remembered, 2);
  session.mark(uid);
  await turns();
  t.equal(wire.desired().filter((said) => said === `${uid}.1`).length, 2);
});
