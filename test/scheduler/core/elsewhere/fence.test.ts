import { test } from 'tap';
import { needsFence } from '../../../../scheduler/core/elsewhere/evacuation.js';
import type { Host } from '../../../../scheduler/core/model.js';
import { answering, smallWorld, type World } from '../world.js';

function lose(world: World, id: string): void {
  world.run({ type: 'host.disconnected', id, reason: 'the stream ended' });
  world.run({ type: 'host.lapsed', id, reason: 'its lease ended' });
}

const order = (world: World, number: number) =>
  world.run({ type: 'host.fence_order', id: 'a', order: `order-${number}`, fencer: 'b' });
const end = (world: World, number: number, off: boolean) =>
  world.run({ type: 'host.fence_end', id: 'a', order: `order-${number}`, off, message: 'b has looked' });

test('a lost host that another agent has read back as off is fenced', async (t) => {
  const world = smallWorld('a', 'b');
  lose(world, 'a');
  t.match(order(world, 1).fence, { state: 'ordered', fencer: 'b', attempts: 1 });
  t.match(end(world, 1, true), {
    state: 'fenced',
    stateReason: /off: b has looked/,
    fence: { state: 'off' },
  });
});

test('what is not off proves nothing, and may be tried again', async (t) => {
  const world = smallWorld('a', 'b');
  lose(world, 'a');
  order(world, 1);
  t.match(end(world, 1, false), { state: 'lost', fence: { state: 'failed', attempts: 1 } });
  t.match(order(world, 2).fence, { state: 'ordered', attempts: 2 });
});

test('an answer to an older order proves nothing', async (t) => {
  const world = smallWorld('a', 'b');
  lose(world, 'a');
  order(world, 1);
  end(world, 1, false);
  order(world, 2);
  t.match(end(world, 1, true), { state: 'lost', fence: { state: 'ordered', order: 'order-2' } });
});

test('a host that has spoken since the order was switched on again: the answer comes too late', async (t) => {
  const world = smallWorld('a', 'b');
  lose(world, 'a');
  order(world, 1);
  world.hello('a', { bootId: 'boot-2' });
  t.match(end(world, 1, true), { state: 'ready', fence: undefined });
  world.run({ type: 'host.disconnected', id: 'a', reason: 'gone again' });
  t.match(end(world, 1, true), { state: 'suspect', fence: undefined });
});

test('a fenced host is ready again when its agent is back, and nothing is proven of it any more', async (t) => {
  const world = smallWorld('a', 'b');
  lose(world, 'a');
  order(world, 1);
  end(world, 1, true);
  t.match(world.hello('a', { bootId: 'boot-2' }), { state: 'ready', fence: undefined, lostMs: undefined });
});

test('a host that is well again, with or without a new stream, is not to be powered off for what was', async (t) => {
  const silent = { ...answering, libvirtAvailable: false, libvirtError: 'it hangs' };
  for (const ends of [false, true]) {
    const world = smallWorld('a', 'b');
    const report = { type: 'host.report', id: 'a', inventory: null, capacity: null } as const;
    world.run({ ...report, report: silent });
    world.run({ type: 'host.fence', id: 'a', reason: 'it hangs' });
    order(world, 1);
    if (ends) end(world, 1, false);
    world.run({ ...report, report: answering });
    t.match(world.state.hosts.get('a'), { state: 'ready', fence: undefined });
  }
});

test('what was proven of a host that is quarantined then counts no more', async (t) => {
  const world = smallWorld('a', 'b');
  lose(world, 'a');
  order(world, 1);
  end(world, 1, true);
  world.run({ type: 'host.quarantine', id: 'a', reason: 'two of them' });
  world.run({ type: 'host.release', id: 'a' });
  world.run({ type: 'host.lapsed', id: 'a', reason: 'its lease ended' });
  t.match(world.state.hosts.get('a'), { state: 'lost', fence: undefined });
  t.match(order(world, 2).fence, { state: 'ordered' });
});

test("an operator's word counts, with the reason that was given", async (t) => {
  const world = smallWorld('a', 'b');
  lose(world, 'a');
  const host = world.run({ type: 'host.fence_confirm', id: 'a', reason: 'Ana has pulled the plug' });
  t.match(host, {
    state: 'fenced',
    fence: { state: 'off', fencer: null, message: /Ana has pulled the plug/ },
  });
  const { sequence } = world.state;
  world.run({ type: 'host.fence_confirm', id: 'a', reason: 'again' });
  t.equal(world.state.sequence, sequence, 'said twice it is said once');
});

test('an operator may want any host off that does not answer', async (t) => {
  const world = smallWorld('a', 'b');
  world.run({ type: 'host.disconnected', id: 'a', reason: 'gone' });
  const wanted = world.run({ type: 'host.fence', id: 'a', reason: 'frozen' });
  t.match(wanted.fence, { state: 'ordered', order: '', fencer: null, message: /frozen/ });
  t.match(order(world, 1).fence, { order: 'order-1', fencer: 'b' });
});

test('what an operator wants stays wanted when it fails, and what a VM alone has waited for does not', async (t) => {
  const world = smallWorld('a', 'b');
  lose(world, 'a');
  const lost = () => world.state.hosts.get('a') as Host;
  order(world, 1);
  end(world, 1, false);
  t.notOk(needsFence(world.state, lost()), 'no VM waits, and nobody has asked for it');
  world.run({ type: 'host.fence', id: 'a', reason: 'it is on fire' });
  order(world, 2);
  t.match(end(world, 2, false).fence, { state: 'failed', wanted: true });
  t.ok(needsFence(world.state, lost()), 'it is tried again');
  t.match(order(world, 3).fence, { state: 'ordered', wanted: true });
});

test('an operator may want what is under way already, and it is not begun anew for that', async (t) => {
  const world = smallWorld('a', 'b');
  lose(world, 'a');
  order(world, 1);
  const wish = () => world.run({ type: 'host.fence', id: 'a', reason: 'it is on fire' });
  t.match(wish().fence, { state: 'ordered', order: 'order-1', fencer: 'b', wanted: true });
  const { sequence } = world.state;
  wish();
  t.equal(world.state.sequence, sequence, 'said twice it is said once');
});

test('that nobody could be asked is said once', async (t) => {
  const world = smallWorld('a', 'b');
  lose(world, 'a');
  const nobody = () =>
    world.run({ type: 'host.fence_end', id: 'a', order: '', off: false, message: 'nobody is set up' });
  t.match(nobody().fence, { state: 'failed', message: 'nobody is set up' });
  const { sequence } = world.state;
  nobody();
  t.equal(world.state.sequence, sequence);
});

test('a host that is connected, joined, quarantined or retired is not fenced', async (t) => {
  const world = smallWorld('a', 'b', 'c');
  world.join('d', 'zagreb');
  world.run({ type: 'host.quarantine', id: 'b', reason: 'a test' });
  world.run({ type: 'host.retire', id: 'c', etag: '' });
  for (const [id, words] of [
    ['a', /it is connected/],
    ['b', /release it first/],
    ['c', /it is retired/],
    ['d', /never been connected/],
  ] as const) {
    for (const command of [
      { type: 'host.fence', id, reason: '' },
      { type: 'host.fence_confirm', id, reason: 'a test' },
      { type: 'host.fence_order', id, order: 'order', fencer: 'a' },
    ] as const) {
      t.match(world.refused<(typeof command)['type']>(command), { reason: 'HOST_NOT_LOST', message: words });
    }
  }
  t.match(world.refused({ type: 'host.fence', id: 'nobody', reason: '' }), { reason: 'HOST_NOT_FOUND' });
});

test('nothing is fenced on a site in recovery', async (t) => {
  const world = smallWorld('a', 'b');
  lose(world, 'a');
  world.run({ type: 'recovery.enter', sites: ['zagreb'], reason: 'a test' });
  const refusal = world.refused({ type: 'host.fence_confirm', id: 'a', reason: 'a test' });
  t.match(refusal, { reason: 'SITE_RECOVERING' });
});
