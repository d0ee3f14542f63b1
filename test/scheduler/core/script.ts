/**
 * Random histories of a federation. A move is plain data, drawn without knowledge of the state; `commandOf` turns it
 * into a command against the state as it is then, so that many moves hit something that exists, some do not, and a
 * shrunken history is still a history.
 */
import fc from 'fast-check';
import type { Command, CommandOf, DomainState, NewVm, VmRef } from '../../../scheduler/core/commands.js';
import type { HostCapacity, Vm, VmPolicy, VmSize, VmSpec } from '../../../scheduler/core/model.js';
import { priorities } from '../../../scheduler/core/priority.js';
import { vmsInOrder } from './portrait.js';
import { type Stray, stray, strayOf } from './elsewhere/strays.js';
import { type Government, govern, governmentOf } from './tenancy-moves.js';
import { type Travel, travel, travelOf } from './moves/travel.js';
import { answering, World } from './world.js';

const small = (most: number) => fc.nat(most);

const domainStates: DomainState[] = [
  'absent',
  'preparing',
  'starting',
  'running',
  'stopping',
  'stopped',
  'guest_shutdown',
  'crashed',
  'paused',
  'missing',
  'refused',
  'unknown',
  'awaited',
];

const observe = fc.record({
  move: fc.constant('observe' as const),
  vm: small(20),
  state: fc.oneof(
    { arbitrary: fc.constantFrom<DomainState>('running', 'stopped', 'absent', 'refused'), weight: 3 },
    { arbitrary: fc.constantFrom(...domainStates), weight: 2 },
  ),
  term: fc.constantFrom(0, 0, 0, 0, 0, -1, 1),
  generation: fc.constantFrom(0, 0, 0, 0, -1, 1),
  reboots: fc.constantFrom(0, 0, 0, -1),
  host: fc.oneof({ arbitrary: fc.constant(-1), weight: 6 }, { arbitrary: small(4), weight: 1 }),
  fault: fc.constantFrom('', '', 'NO_SPACE'),
  /** What it says of the domain's size: nothing, as it should be, as it was, or of each a part. */
  size: fc.constantFrom('none', 'new', 'new', 'old', 'mixed', 'larger'),
});
/** What becomes of a VM whose host is lost. */
const lossPolicies = ['wait', 'restart', 'rebuild'] as const;

const newVm = fc.record({
  id: small(9),
  vcpus: fc.integer({ min: 1, max: 4 }),
  gib: fc.integer({ min: 1, max: 4 }),
  image: small(2),
  disk: fc.integer({ min: 0, max: 3 }),
  pool: fc.constantFrom(0, 0, 0, 1, 2),
  stopped: fc.boolean(),
  restart: fc.boolean(),
  onLoss: fc.constantFrom(...lossPolicies),
  protected: fc.constantFrom(false, false, false, true),
  priority: fc.constantFrom(...priorities, undefined),
  site: fc.constantFrom(-1, -1, -1, 0, 1, 2),
  excluded: fc.constantFrom(-1, -1, 0, 1),
  dataClass: fc.constantFrom('', '', '', 'personal', 'public'),
  special: fc.constantFrom('', '', '', '', 'extras', 'hugepages', 'cell', 'cells', 'dedicated'),
});
const create = fc.record({
  move: fc.constant('create' as const),
  administration: small(2),
  /** Of a single VM: whether it takes the room of VMs that are stopped, which all have a lower priority. */
  displacing: fc.boolean(),
  vms: fc.oneof(
    { arbitrary: fc.array(newVm, { minLength: 1, maxLength: 1 }), weight: 3 },
    { arbitrary: fc.array(newVm, { minLength: 2, maxLength: 4 }), weight: 1 },
  ),
});
const order = fc.record({
  move: fc.constantFrom(
    'start' as const,
    'stop' as const,
    'reboot' as const,
    'resize' as const,
    'delete' as const,
  ),
  vm: small(20),
  force: fc.boolean(),
  by: fc.constantFrom(0, 1, 1, 2),
  disk: fc.constantFrom(0, 1, 1, 2),
  etag: fc.constantFrom('', '', '', 'current', '"1"'),
  byName: fc.boolean(),
});
const update = fc.record({
  move: fc.constant('update' as const),
  vm: small(20),
  label: fc.option(fc.string({ maxLength: 3 })),
  restart: fc.option(fc.boolean()),
  onLoss: fc.constantFrom(...lossPolicies),
  protected: fc.option(fc.boolean()),
});
const evacuate = fc.record({ move: fc.constant('evacuate' as const), vm: small(20) });
const cancel = fc.record({ move: fc.constant('cancel' as const), operation: small(30) });
const timeOut = fc.record({ move: fc.constant('timeOut' as const), operation: small(30), limit: small(2) });
const host = fc.record({
  move: fc.constantFrom(
    'join' as const,
    'hello' as const,
    'hello' as const,
    'report' as const,
    'disconnected' as const,
    'lapsed' as const,
    'cordonHost' as const,
    'retire' as const,
    'quarantine' as const,
    'fence' as const,
    'orderFence' as const,
    'endFence' as const,
    'confirmFence' as const,
    'confirmFence' as const,
    'evacuateHost' as const,
    'slow' as const,
  ),
  host: small(4),
  site: small(2),
  boot: fc.constantFrom(1, 1, 1, 2, 3),
  machine: fc.constantFrom(0, 0, 0, 0, 1),
  size: fc.integer({ min: 0, max: 3 }),
  on: fc.boolean(),
  behind: fc.constantFrom(false, false, false, false, true),
});
/** Hosts that are lost and fenced, oftener than all that may happen to hosts would have it. */
const loss = fc
  .record({
    of: host,
    move: fc.constantFrom('disconnected' as const, 'confirmFence' as const, 'hello' as const),
  })
  .map(({ of, move }) => ({
    ...of,
    move,
    host: of.host % 2,
    machine: 0 as const,
    behind: false as const,
    boot: 1 as const,
  }));
const place = fc.record({
  move: fc.constantFrom(
    'createSite' as const,
    'updateSite' as const,
    'cordonSite' as const,
    'deleteSite' as const,
    'createAdministration' as const,
    'deleteAdministration' as const,
    'createImage' as const,
    'deleteImage' as const,
    'createPool' as const,
    'updatePool' as const,
    'deletePool' as const,
    'open' as const,
    'endRecovery' as const,
    'endRecovery' as const,
  ),
  id: small(2),
  other: small(4),
  on: fc.boolean(),
});

export type Move =
  | (typeof observe extends fc.Arbitrary<infer T> ? T : never)
  | (typeof create extends fc.Arbitrary<infer T> ? T : never)
  | (typeof order extends fc.Arbitrary<infer T> ? T : never)
  | (typeof update extends fc.Arbitrary<infer T> ? T : never)
  | (typeof evacuate extends fc.Arbitrary<infer T> ? T : never)
  | (typeof cancel extends fc.Arbitrary<infer T> ? T : never)
  | (typeof timeOut extends fc.Arbitrary<infer T> ? T : never)
  | (typeof host extends fc.Arbitrary<infer T> ? T : never)
  | (typeof place extends fc.Arbitrary<infer T> ? T : never)
  | Travel
  | Stray
  | Government;

export const move: fc.Arbitrary<Move> = fc.oneof(
  { arbitrary: observe, weight: 12 },
  { arbitrary: create, weight: 6 },
  { arbitrary: order, weight: 8 },
  { arbitrary: update, weight: 2 },
  { arbitrary: cancel, weight: 2 },
  { arbitrary: timeOut, weight: 1 },
  { arbitrary: host, weight: 4 },
  { arbitrary: loss, weight: 3 },
  { arbitrary: evacuate, weight: 3 },
  { arbitrary: place, weight: 2 },
  { arbitrary: travel, weight: 6 },
  { arbitrary: stray, weight: 4 },
  { arbitrary: govern, weight: 4 },
);

/** A history: how long after the one before each move comes, in milliseconds. */
export const script = fc.array(fc.record({ what: move, afterMs: fc.constantFrom(0, 0, 1, 5000) }), {
  maxLength: 120,
  size: 'max',
});

/** VMs that can be made, and may restart elsewhere: with their disk on a pool, or without it. */
const mobile = fc
  .record({ of: newVm, administration: small(1), pool: fc.constantFrom(0 as const, 1 as const) })
  .map(({ of, administration, pool }) => ({
    move: 'create' as const,
    administration,
    displacing: false,
    vms: [
      {
        ...of,
        ...{ image: 0, disk: 1, pool, stopped: false, site: -1 as const, excluded: -1 as const },
        ...{ onLoss: pool === 1 ? ('restart' as const) : ('rebuild' as const), special: '' as const },
      },
    ],
  }));

/** Things that happen one after the other, the next of them so many milliseconds later. */
const historyOf = <T>(what: fc.Arbitrary<T>) =>
  fc.array(fc.record({ what, afterMs: fc.constantFrom(0, 1, 5000) }), { maxLength: 120, size: 'max' });

/** A history in which hosts are lost, and little else happens to them. */
export const lossScript = historyOf(
  fc.oneof(
    { arbitrary: observe, weight: 6 },
    { arbitrary: mobile, weight: 6 },
    { arbitrary: order, weight: 2 },
    { arbitrary: loss, weight: 3 },
    { arbitrary: evacuate, weight: 6 },
  ),
);

/** A history in which VMs move between hosts, which are drained and lost now and then. */
export const travelScript = historyOf(
  fc.oneof(
    { arbitrary: observe, weight: 2 },
    { arbitrary: mobile, weight: 4 },
    { arbitrary: order, weight: 1 },
    { arbitrary: cancel, weight: 1 },
    { arbitrary: timeOut, weight: 1 },
    { arbitrary: loss, weight: 1 },
    { arbitrary: evacuate, weight: 2 },
    { arbitrary: travel, weight: 30 },
  ),
);

/** A history in which hosts have many orphans, and operators decide about them. */
export const strayScript = historyOf(
  fc.oneof(
    { arbitrary: observe, weight: 6 },
    { arbitrary: mobile, weight: 1 },
    { arbitrary: order, weight: 3 },
    { arbitrary: loss, weight: 1 },
    { arbitrary: stray, weight: 20 },
    { arbitrary: govern, weight: 1 },
  ),
);

/** A federation with a little of everything, where a history can begin. */
export function beginning(world: World = new World()): World {
  world.run({ type: 'federation.open', instance: 'first', name: 'test', incarnation: 1 });
  world.site('s0');
  world.site('s1', 'SI', 'p1');
  world.run({ type: 'partner.update', id: 'p1', open: true, etag: '' });
  for (const administration of ['a0', 'a1']) world.administration(administration);
  world.run({ type: 'administration.update', id: 'a1', stoppedVms: 'free', etag: '' });
  for (const administration of ['a0', 'a1']) {
    const limit = { vcpus: 100, vms: 40 };
    world.run({ type: 'quota.set', administration, scope: { kind: 'everywhere' }, limit, etag: '' });
  }
  for (const image of ['i0', 'i1']) world.image(image);
  for (const [index, site] of ['s0', 's0', 's1'].entries()) world.host(`h${index}`, site, capacity(3));
  world.run(poolOf('p1', 0));
  return world;
}

const capacity = (size: number): HostCapacity => ({
  vcpus: 4 * size,
  memoryMib: 4096 * size,
  diskMib: 2000 * size,
  vms: 2 * size,
  extras: { 'gpu:a': size, licence: 1 },
  cells: [0, 1].map((id) => ({
    id: id * (size + 1),
    cpus: 2 * size,
    memoryMib: 2048 * size,
    hugepages: size < 2 ? [] : [{ sizeKib: 2048, count: 1024 * size }],
  })),
});

/** What VMs ask for that most do not. */
const specials: Record<string, Partial<NewVm>> = {
  extras: { extras: { 'gpu:a': 2, licence: 1 } },
  hugepages: { hugepageKib: 2048 },
  cell: { numa: { cells: 1, dedicatedCpus: false } },
  cells: { vcpus: 2, hugepageKib: 2048, numa: { cells: 2, dedicatedCpus: false } },
  dedicated: { vcpus: 4, numa: { cells: 2, dedicatedCpus: true } },
};

const poolOf = (id: string, site: number) => ({
  type: 'pool.create' as const,
  id,
  site: `s${site}`,
  path: '/srv/pool',
  hosts: site === 0 ? ['h0', 'h1'] : ['h2'],
  capacityMib: 4000,
});

function policyOf(restart: boolean, onLoss: (typeof lossPolicies)[number]): VmPolicy {
  return {
    onGuestShutdown: restart ? 'restart' : 'stay_stopped',
    rebuildable: onLoss === 'rebuild',
    ...(onLoss === 'wait' ? {} : { onHostLoss: 'restart' as const }),
  };
}

function newVmOf(world: World, plan: typeof newVm extends fc.Arbitrary<infer T> ? T : never): NewVm {
  return world.newVm(`v${plan.id}`, {
    vcpus: plan.vcpus,
    memoryMib: plan.gib * 1024,
    diskMib: plan.disk * 500,
    image: `i${plan.image}`,
    pool: plan.pool === 0 ? '' : `p${plan.pool}`,
    power: plan.stopped ? 'stopped' : 'running',
    policy: policyOf(plan.restart, plan.onLoss),
    deletionProtection: plan.protected,
    ...(plan.priority === undefined ? {} : { priority: plan.priority }),
    placement: {
      sites: plan.site < 0 ? [] : [`s${plan.site}`],
      countries: [],
      excludedHosts: plan.excluded < 0 ? [] : [`h${plan.excluded}`],
    },
    ...specials[plan.special],
    ...(plan.dataClass === '' ? {} : { dataClass: plan.dataClass }),
  });
}

const isPlain = ({ extras, hugepageKib, numa }: VmSpec) => (extras ?? hugepageKib ?? numa) === undefined;

function createOf(world: World, plan: typeof create extends fc.Arbitrary<infer T> ? T : never): Command {
  const vms = plan.vms.map((vm) => newVmOf(world, vm));
  const administration = `a${plan.administration}`;
  const command = world.createOf(vms, administration);
  if (!plan.displacing || vms.length > 1) return command;
  const stopped = vmsInOrder(world.state).filter(
    ({ desired, state, spec, deletionProtection, parked }) =>
      `${desired} ${state}` === 'stopped stopped' && isPlain(spec) && !deletionProtection && !parked,
  );
  const [first] = stopped;
  const row = world.state.hostTable.row(first?.host ?? '');
  const [vm] = vms;
  const image = [...world.state.images.values()][0];
  if (vm === undefined || first === undefined || row === undefined || image === undefined) return command;
  command.administration = first.administration;
  Object.assign(vm, { image: image.id, diskMib: image.virtualSizeMib, pool: '' });
  for (const special of ['extras', 'hugepageKib', 'numa'] as const) delete vm[special];
  // A little more than the host has left, and nowhere else.
  vm.memoryMib = Math.max(0, world.state.hostTable.freeMemoryMib[row] as number) + 1;
  vm.priority = 'critical';
  vm.placement.sites = [];
  vm.placement.excludedHosts = [...world.state.hosts.keys()].filter((id) => id !== first?.host);
  const preemption = stopped
    .filter(({ host, administration: of }) => host === first.host && of === first.administration)
    .map(({ uid, revision }) => ({ uid, etag: `"${revision}"` }));
  return { ...command, preemption };
}

function pick<T>(items: readonly T[], index: number): T | undefined {
  return items[index % Math.max(1, items.length)];
}

function observationOf(
  world: World,
  plan: typeof observe extends fc.Arbitrary<infer T> ? T : never,
): Command {
  const vm = pick(vmsInOrder(world.state), plan.vm);
  const seen =
    vm === undefined
      ? { uid: 'nobody', term: 1, generation: 1, rebootCount: 0 }
      : {
          uid: vm.uid,
          term: vm.term + plan.term,
          generation: vm.generation + plan.generation,
          rebootCount: vm.rebootCount + plan.reboots,
        };
  const fault = plan.fault === '' ? null : { code: 8, reason: plan.fault, message: 'a fault' };
  // Nothing is left is a word that only a former host has reason to say.
  const own = plan.state === 'absent' ? (vm?.leftOn?.[0] ?? vm?.host) : vm?.host;
  const id = plan.host < 0 ? (own ?? 'h0') : `h${plan.host}`;
  const told = { toldGeneration: vm?.generation ?? 1 };
  const size = vm === undefined ? undefined : sizeSaid(vm, plan.size);
  return {
    type: 'host.observe',
    id,
    observation: { ...seen, ...told, state: plan.state, fault, ...(size === undefined ? {} : { size }) },
  };
}

function sizeSaid({ spec, sizeBefore }: Vm, said: string): VmSize | undefined {
  const before: VmSize = sizeBefore ?? spec;
  const size = ({ vcpus, memoryMib, diskMib }: VmSize): VmSize => ({ vcpus, memoryMib, diskMib });
  switch (said) {
    case 'none':
      return undefined;
    case 'old':
      return size(before);
    case 'mixed':
      return { ...size(before), vcpus: spec.vcpus, diskMib: 0 };
    case 'larger':
      return { ...size(spec), diskMib: spec.diskMib + 100 };
    default:
      return size(spec);
  }
}

function orderOf(world: World, plan: typeof order extends fc.Arbitrary<infer T> ? T : never): Command {
  const all = vmsInOrder(world.state);
  // Few are displaced, and those have to be started again now and then.
  const displaced = all.find(({ displacedFor }) => displacedFor !== undefined);
  const known = plan.move === 'start' && displaced !== undefined ? displaced : pick(all, plan.vm);
  const vm: VmRef =
    known === undefined
      ? { uid: 'nobody' }
      : plan.byName
        ? { administration: known.administration, id: known.id }
        : { uid: known.uid };
  const etag = plan.etag === 'current' ? `"${known?.revision ?? 0}"` : plan.etag;
  const common = { vm, etag, operation: world.draw('operation') };
  const mode = plan.force ? ('force' as const) : ('graceful' as const);
  switch (plan.move) {
    case 'start':
      return { type: 'vm.start', ...common };
    case 'stop':
      return { type: 'vm.stop', mode, graceSeconds: 60, ...common };
    case 'reboot':
      return { type: 'vm.reboot', mode, ...common };
    case 'delete':
      return { type: 'vm.delete', ...common };
    case 'resize':
      return { type: 'vm.resize', ...sizesOf(known, plan.by, plan.disk), ...common };
  }
}

/** Of a VM that may go, if there is one. */
function evacuationOf({ state }: World, index: number): Command {
  const waiting = vmsInOrder(state).filter(({ host }) => state.hosts.get(host ?? '')?.state === 'fenced');
  const vm = pick(waiting.length > 0 ? waiting : vmsInOrder(state), index);
  return { type: 'vm.evacuate', uid: vm?.uid ?? 'nobody' };
}

function sizesOf(vm: Vm | undefined, by: number, disk: number) {
  return {
    vcpus: (vm?.spec.vcpus ?? 1) * by,
    memoryMib: by === 2 ? 2048 : 0,
    diskMib: (vm?.spec.diskMib ?? 100) * disk,
  };
}

function hostCommandOf(plan: typeof host extends fc.Arbitrary<infer T> ? T : never): Command {
  const id = `h${plan.host}`;
  const machineId = `machine-of-${id}${plan.machine === 0 ? '' : '-again'}`;
  const inventory = { architecture: 'x86_64', size: plan.size, migrationUri: `qemu+tls://${id}.test/system` };
  const report = { ...answering, libvirtAvailable: plan.on, libvirtError: plan.on ? '' : 'hung' };
  switch (plan.move) {
    case 'join':
      return { type: 'host.join', id, site: `s${plan.site}`, rack: '', machineId };
    case 'hello':
      return {
        type: 'host.hello',
        id,
        machineId,
        bootId: `boot-${plan.boot}`,
        inventory,
        capacity: capacity(plan.size),
        report: answering,
        shown: null,
        journalBehind: plan.behind ? { reason: 'a checkpoint is ahead', incarnation: plan.boot } : null,
      };
    case 'report':
      return { type: 'host.report', id, report, inventory, capacity: capacity(plan.size) };
    case 'disconnected':
      return { type: 'host.disconnected', id, reason: 'the stream ended' };
    case 'lapsed':
      return { type: 'host.lapsed', id, reason: 'the lease ended' };
    case 'cordonHost':
      return { type: 'host.cordon', id, cordoned: plan.on };
    case 'retire':
      return { type: 'host.retire', id, etag: '', ...(plan.on ? { destroyed: true } : {}) };
    case 'quarantine':
      return { type: 'host.quarantine', id, reason: 'a test' };
    case 'fence':
      return { type: 'host.fence', id, reason: 'a test' };
    case 'orderFence':
      return { type: 'host.fence_order', id, order: `order-${plan.boot}`, fencer: `h${plan.size}` };
    case 'endFence':
      return { type: 'host.fence_end', id, order: `order-${plan.boot}`, off: plan.on, message: 'a test' };
    case 'confirmFence':
      return { type: 'host.fence_confirm', id, reason: 'a test' };
    case 'evacuateHost':
      return { type: 'host.evacuate', id };
    case 'slow':
      return { type: 'host.slow', id };
  }
}

function placeCommandOf(world: World, plan: typeof place extends fc.Arbitrary<infer T> ? T : never): Command {
  const { id, other, on } = plan;
  switch (plan.move) {
    case 'createSite':
      return {
        type: 'site.create',
        id: `s${id}`,
        title: '',
        partner: id === 1 ? 'p1' : 'p',
        country: id === 1 ? 'SI' : 'HR',
        jurisdictions: on ? ['EU'] : [],
      };
    case 'updateSite':
      return {
        type: 'site.update',
        id: `s${id}`,
        title: `title ${other}`,
        jurisdictions: on ? ['EU'] : [],
        etag: '',
      };
    case 'cordonSite':
      return { type: 'site.cordon', id: `s${id}`, cordoned: on };
    case 'deleteSite':
      return { type: 'site.delete', id: `s${id}`, etag: '' };
    case 'createAdministration': {
      const parent = on ? `a${other}` : null;
      return { type: 'administration.create', id: `a${id}`, title: '', parent, country: 'HR' };
    }
    case 'deleteAdministration':
      return { type: 'administration.delete', id: `a${id}`, etag: '' };
    case 'createImage':
      return imageOf(world, id);
    case 'deleteImage':
      return { type: 'image.delete', id: `i${id}`, etag: '' };
    case 'createPool':
      return poolOf(`p${id}`, other % 2);
    case 'updatePool': {
      const hosts = on ? ['h0', 'h1', 'h2'].slice(other % 2, 2 + (other % 2)) : undefined;
      return { type: 'pool.update', id: `p${id}`, hosts, capacityMib: 2000 + other * 1000, etag: '' };
    }
    case 'deletePool':
      return { type: 'pool.delete', id: `p${id}`, etag: '' };
    case 'open':
      return {
        type: 'federation.open',
        instance: world.draw('instance'),
        name: 'test',
        incarnation: on ? 2 : 1,
      };
    case 'endRecovery':
      return { type: 'recovery.end', site: `s${id}` };
  }
}

function imageOf(world: World, id: number): CommandOf<'image.create'> {
  return {
    type: 'image.create',
    uid: world.draw('image'),
    id: `i${id}`,
    title: '',
    digest: `sha256:${'1'.repeat(64)}`,
    format: 'raw',
    sizeBytes: 10,
    virtualSizeMib: 400,
    source: 'https://images.test/x',
    architecture: 'x86_64',
  };
}

/** The command that a move is against this world. */
export function commandOf(world: World, plan: Move): Command {
  switch (plan.move) {
    case 'observe':
      return observationOf(world, plan);
    case 'create':
      return createOf(world, plan);
    case 'update': {
      const vm = pick(vmsInOrder(world.state), plan.vm);
      return {
        type: 'vm.update',
        vm: { uid: vm?.uid ?? 'nobody' },
        etag: '',
        ...(plan.label === null ? {} : { labels: { label: plan.label } }),
        ...(plan.protected === null ? {} : { deletionProtection: plan.protected }),
        ...(plan.restart === null
          ? {}
          : {
              policy: policyOf(plan.restart, plan.onLoss),
            }),
      };
    }
    case 'stray':
    case 'adopt':
    case 'remove':
      return strayOf(world, plan);
    case 'cancel': {
      const id = pick([...world.state.operations.keys()].reverse(), plan.operation) ?? 'none';
      return { type: 'operation.cancel', id };
    }
    case 'timeOut': {
      const id = pick([...world.state.operations.keys()].reverse(), plan.operation) ?? 'none';
      return { type: 'operation.time_out', id, limitMs: plan.limit * 100_000 - 100_000 };
    }
    case 'start':
    case 'stop':
    case 'reboot':
    case 'resize':
    case 'delete':
      return orderOf(world, plan);
    case 'join':
    case 'hello':
    case 'report':
    case 'disconnected':
    case 'lapsed':
    case 'cordonHost':
    case 'retire':
    case 'quarantine':
    case 'fence':
    case 'orderFence':
    case 'endFence':
    case 'confirmFence':
    case 'evacuateHost':
    case 'slow':
      return hostCommandOf(plan);
    case 'evacuate':
      return evacuationOf(world, plan.vm);
    case 'createSite':
    case 'updateSite':
    case 'cordonSite':
    case 'deleteSite':
    case 'createAdministration':
    case 'deleteAdministration':
    case 'createImage':
    case 'deleteImage':
    case 'createPool':
    case 'updatePool':
    case 'deletePool':
    case 'open':
    case 'endRecovery':
      return placeCommandOf(world, plan);
    case 'migrate':
    case 'onTheWay':
    case 'obey':
    case 'settle':
    case 'giveUp':
    case 'drain':
    case 'drainVm':
    case 'undrain':
    case 'pause':
      return travelOf(world, plan);
    default:
      return governmentOf(world, plan);
  }
}
