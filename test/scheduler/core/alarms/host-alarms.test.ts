import { test } from 'tap';
import type { NewVm } from '../../../../scheduler/core/commands.js';
import type { HostCapacity } from '../../../../scheduler/core/model.js';
import { answering, roomy, smallWorld, type World } from '../world.js';
import { alarmsOf, codesOf, dayMs, minuteMs, theAlarm } from './alarms-of.js';

const disconnect = (world: World, id: string) =>
  world.run({ type: 'host.disconnected', id, reason: 'the stream ended' });
const lapse = (world: World, id: string) =>
  world.run({ type: 'host.lapsed', id, reason: 'its lease has ended' });
const report = (world: World, id: string, change: object) =>
  world.run({
    type: 'host.report',
    id,
    report: { ...answering, ...change },
    inventory: null,
    capacity: null,
  });

test('a federation in which all is well has no alarm', async (t) => {
  const world = smallWorld('a', 'b');
  world.settled('web');
  world.join('never-connected', 'zagreb');
  world.nowMs += 400 * dayMs;
  t.same(alarmsOf(world), []);
});

const states: {
  state: string;
  reach(world: World): void;
  code: string;
  empty: string;
  withVms: string;
}[] = [
  {
    state: 'suspect',
    reach: (world) => disconnect(world, 'a'),
    code: 'HOST_SUSPECT',
    empty: 'warning',
    withVms: 'warning',
  },
  {
    state: 'lost',
    reach: (world) => lapse(world, 'a'),
    code: 'HOST_LOST',
    empty: 'warning',
    withVms: 'critical',
  },
  {
    state: 'fenced',
    reach: (world) => {
      disconnect(world, 'a');
      world.run({ type: 'host.fence_confirm', id: 'a', reason: 'somebody has looked' });
    },
    code: 'HOST_FENCED',
    empty: 'warning',
    withVms: 'critical',
  },
  {
    state: 'quarantined',
    reach: (world) => world.run({ type: 'host.quarantine', id: 'a', reason: 'an operator looks' }),
    code: 'HOST_QUARANTINED',
    empty: 'warning',
    withVms: 'warning',
  },
];

for (const { state, reach, code, empty, withVms } of states) {
  for (const vms of [0, 2]) {
    test(`a host that is ${state} with ${vms} VMs`, async (t) => {
      const world = smallWorld('a');
      for (let index = 0; index < vms; index += 1) world.settled(`web-${index}`);
      world.nowMs += minuteMs;
      const sinceMs = world.nowMs;
      reach(world);
      world.nowMs += 3 * dayMs;
      t.match(alarmsOf(world), [
        {
          code,
          severity: vms === 0 ? empty : withVms,
          about: { kind: 'host', id: 'a' },
          sinceMs,
          message: vms === 0 ? /it has no VMs$/ : /it has 2 VMs$/,
        },
      ]);
    });
  }
}

test('a host that stays suspect is so since it became it, whatever is said of it meanwhile', async (t) => {
  const world = smallWorld('a');
  world.nowMs += minuteMs;
  const sinceMs = world.nowMs;
  disconnect(world, 'a');
  world.nowMs += minuteMs;
  world.run({ type: 'host.cordon', id: 'a', cordoned: true });
  disconnect(world, 'a');
  t.match(alarmsOf(world), [{ code: 'HOST_SUSPECT', sinceMs, message: /the stream ended/ }]);
});

test('libvirt that does not answer is told as that, and not as a suspect host', async (t) => {
  const world = smallWorld('a');
  world.settled('web');
  world.nowMs += minuteMs;
  const sinceMs = world.nowMs;
  report(world, 'a', { libvirtAvailable: false, libvirtError: 'no socket' });
  world.nowMs += minuteMs;
  t.match(alarmsOf(world), [
    {
      code: 'LIBVIRT_UNAVAILABLE',
      severity: 'critical',
      sinceMs,
      message: /does not answer \(.*no socket\), and it takes nothing new; it has 1 VM$/,
    },
  ]);
  report(world, 'a', {});
  t.same(codesOf(world), []);
});

test('orphans are told since there are any, and no longer than there are', async (t) => {
  const world = smallWorld('a');
  world.nowMs += minuteMs;
  const sinceMs = world.nowMs;
  report(world, 'a', { orphans: ['one'] });
  world.nowMs += dayMs;
  report(world, 'a', { orphans: ['one', 'two', 'three'] });
  t.match(theAlarm(world, 'HOST_HAS_ORPHANS'), { severity: 'warning', sinceMs, message: /one and 2 more$/ });
  report(world, 'a', {});
  t.same(codesOf(world), []);
  world.nowMs += dayMs;
  report(world, 'a', { orphans: ['four'] });
  t.equal(theAlarm(world, 'HOST_HAS_ORPHANS').sinceMs, world.nowMs);
});

test('an orphan of a VM that another host has holds that one up, and the alarm says so', async (t) => {
  const world = smallWorld('a', 'b');
  const vm = world.settled('vm', { placement: { sites: [], countries: [], excludedHosts: ['a'] } });
  report(world, 'a', { orphans: [`volume ${vm.uid}.qcow2`] });
  t.match(theAlarm(world, 'HOST_HAS_ORPHANS'), { severity: 'warning' });
  report(world, 'a', { orphans: ['volume x', `domain vm-1 ${vm.uid}`] });
  t.match(theAlarm(world, 'HOST_HAS_ORPHANS'), {
    severity: 'critical',
    message: new RegExp(`VM ${vm.uid} is neither started anew nor deleted`),
  });
});

const shrunk: { how: string; shrink(world: World): void }[] = [
  {
    how: 'its machine has less',
    shrink: (world) => world.hello('a', { capacity: { ...roomy, vcpus: 3 } }),
  },
  {
    how: 'its own overcommit is lowered',
    shrink: (world) => world.run({ type: 'host.update', id: 'a', vcpuOvercommitPercent: 10, etag: '' }),
  },
  {
    how: 'the overcommit of its site is lowered',
    shrink: (world) => world.run({ type: 'site.update', id: 'zagreb', vcpuOvercommitPercent: 10, etag: '' }),
  },
];

for (const { how, shrink } of shrunk) {
  test(`a host whose VMs hold more than it offers, since ${how}`, async (t) => {
    const world = smallWorld('a');
    world.vm('big', { vcpus: 8 });
    world.nowMs += minuteMs;
    t.same(codesOf(world), []);
    const sinceMs = world.nowMs;
    shrink(world);
    world.nowMs += dayMs;
    t.match(theAlarm(world, 'HOST_OVERCLAIMED'), {
      sinceMs,
      message: /hold more than it offers: 8 vCPUs of [36]$/,
    });
  });
}

test('so is one that has lost extras, hugepages or cells that its VMs hold, and nothing new is placed there', async (t) => {
  const cell = (id: number, count: number) => {
    return { id, cpus: 8, memoryMib: 8192, hugepages: [{ sizeKib: 2048, count }] };
  };
  const whole = { ...roomy, extras: { 'gpu:a30': 2 }, cells: [cell(0, 1024), cell(1, 1024)] };
  const cases: [Partial<NewVm>, Partial<HostCapacity>, string | RegExp][] = [
    [{ extras: { 'gpu:a30': 2 } }, { extras: { 'gpu:a30': 1 } }, 'more of its gpu:a30 than there is'],
    [
      { hugepageKib: 2048 },
      { cells: [cell(0, 0), cell(1, 1)] },
      'more of its hugepages of 2048 KiB than there is',
    ],
    [
      { numa: { cells: 2, dedicatedCpus: false } },
      { cells: [cell(0, 1024)] },
      'more of its NUMA cell 1 than there is',
    ],
    [{ numa: { cells: 2, dedicatedCpus: true } }, { vcpus: 1 }, 'more of its dedicated CPUs than there is'],
    [{}, { diskMib: 1000 }, /2000 MiB of disk of 1000$/],
  ];
  for (const [spec, left, words] of cases) {
    const world = smallWorld('a');
    world.hello('a', { capacity: whole });
    const vm = world.vm('vm', { vcpus: 2, memoryMib: 1024, diskMib: 2000, ...spec });
    t.same(codesOf(world), []);
    world.hello('a', { capacity: { ...whole, ...left }, inventory: { architecture: 'x86_64', less: 1 } });
    const { message, advice } = theAlarm(world, 'HOST_OVERCLAIMED');
    t.match(message, words);
    t.match(advice, /nothing new is placed there/);
    const other = world.createOf([world.newVm('other')]);
    t.match(world.refused(other), { metadata: { HOLDS_TOO_MUCH: '1' } }, String(words));
    world.delete(vm);
    world.see(vm, 'absent');
    t.same(codesOf(world), []);
    t.ok(world.create(world.newVm('again')), 'when it has left');
  }
});

test('a retired host is no alarm', async (t) => {
  const world = smallWorld('a');
  report(world, 'a', { orphans: ['one'] });
  world.run({ type: 'host.retire', id: 'a', etag: '' });
  t.same(codesOf(world), []);
});

test('a site is in recovery since it went into it, each by itself', async (t) => {
  const world = smallWorld('a');
  world.site('split');
  world.nowMs += minuteMs;
  const first = world.nowMs;
  world.run({ type: 'recovery.enter', sites: ['zagreb'], reason: 'restored' });
  world.nowMs += minuteMs;
  const second = world.nowMs;
  world.run({ type: 'recovery.enter', sites: ['split', 'zagreb'], reason: 'restored' });
  world.nowMs += dayMs;
  const times = () => alarmsOf(world).map(({ about, sinceMs }) => [about, sinceMs]);
  t.same(times(), [
    [{ kind: 'site', id: 'split' }, second],
    [{ kind: 'site', id: 'zagreb' }, first],
  ]);
  world.run({ type: 'recovery.end', site: 'zagreb' });
  t.same(times(), [[{ kind: 'site', id: 'split' }, second]]);
});

test('that nothing proves a lost host to be off is an alarm while a VM waits for it, until something does', async (t) => {
  const world = smallWorld('a');
  const policy = { onGuestShutdown: 'stay_stopped', rebuildable: true, onHostLoss: 'restart' } as const;
  const waits = { onGuestShutdown: 'stay_stopped', rebuildable: true } as const;
  const vm = world.settled('vm', { policy });
  lapse(world, 'a');
  world.nowMs += minuteMs;
  const sinceMs = world.nowMs;
  world.run({ type: 'host.fence_end', id: 'a', order: '', off: false, message: 'nobody is set up' });
  world.nowMs += dayMs;
  t.match(theAlarm(world, 'HOST_NOT_FENCED'), { severity: 'critical', sinceMs, message: /nobody is set up/ });
  world.run({ type: 'vm.update', vm: { uid: vm.uid }, etag: '', policy: waits });
  t.notOk(codesOf(world).includes('HOST_NOT_FENCED'), 'it waits for its host');
  world.run({ type: 'vm.update', vm: { uid: vm.uid }, etag: '', policy });
  theAlarm(world, 'HOST_NOT_FENCED');
  world.run({ type: 'host.fence_confirm', id: 'a', reason: 'somebody has looked' });
  t.notOk(codesOf(world).includes('HOST_NOT_FENCED'));
});

test('that VMs leave a host slowly is an alarm until an operator lets them go, or none is left', async (t) => {
  for (const how of ['at once', 'slowly']) {
    const world = smallWorld('a', 'b');
    const policy = { onGuestShutdown: 'stay_stopped', rebuildable: true, onHostLoss: 'restart' } as const;
    const placement = { sites: [], countries: [], excludedHosts: ['b'] };
    const vm = world.settled('vm', { policy, placement });
    vm.placement.excludedHosts = [];
    lapse(world, 'a');
    world.run({ type: 'host.fence_confirm', id: 'a', reason: 'somebody has looked' });
    world.run({ type: 'host.slow', id: 'a' });
    t.match(theAlarm(world, 'EVACUATION_SLOWED'), {
      severity: 'critical',
      advice: /secovia host evacuate a/,
    });
    if (how === 'at once') world.run({ type: 'host.evacuate', id: 'a' });
    else world.run({ type: 'vm.evacuate', uid: vm.uid });
    t.notOk(codesOf(world).includes('EVACUATION_SLOWED'));
  }
});
