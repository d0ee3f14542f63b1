import { deepStrictEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'tap';
import type { Change } from '../../../scheduler/core/changes.js';
import type { Command } from '../../../scheduler/core/commands.js';
import { decide } from '../../../scheduler/core/decide.js';
import type { Resources, Vm, VmSize } from '../../../scheduler/core/model.js';
import type { State } from '../../../scheduler/core/state.js';
import type { Holdings } from '../../../scheduler/core/tenancy/holdings.js';
import { holds } from '../holds.js';
import { replay } from './journal.js';
import { portraitOf, vmsInOrder } from './portrait.js';
import { beginning, commandOf, lossScript, script } from './script.js';
import { checkLimits, checkPlaces, usedUnderLimits } from './tenancy-laws.js';
import type { World } from './world.js';

/** Plays a history, with a look before and after every move. */
function play(
  steps: typeof script extends fc.Arbitrary<infer T> ? T : never,
  watch: { before?(world: World, command: Command): void; after?(world: World, refused: boolean): void } = {},
): World {
  const world = beginning();
  for (const { what, afterMs } of steps) {
    world.nowMs += afterMs;
    world.catchUp();
    const command = commandOf(world, what);
    watch.before?.(world, command);
    const outcome = world.try<Command['type']>(command);
    watch.after?.(world, 'refusal' in outcome);
  }
  return world;
}

test('a journal replayed gives the same state, entities and indexes', async (t) => {
  holds(
    t,
    fc.property(script, (steps) => {
      const world = play(steps);
      deepStrictEqual(portraitOf(replay(world.journal)), portraitOf(world.state));
    }),
    200,
  );
});

test('deciding changes nothing, and the same state and command give the same decision', async (t) => {
  holds(
    t,
    fc.property(script, (steps) => {
      play(steps.slice(-40), {
        before: ({ state, nowMs }, command) => {
          const before = portraitOf(state);
          const one = decide(state, structuredClone(command), nowMs);
          const two = decide(state, structuredClone(command), nowMs);
          deepStrictEqual(portraitOf(state), before);
          deepStrictEqual(one.refusal, two.refusal);
          if (!one.refusal && !two.refusal) deepStrictEqual(one.changes, two.changes);
        },
      });
    }),
    60,
  );
});

test('a refusal changes nothing', async (t) => {
  let before: unknown;
  let refusals = 0;
  holds(
    t,
    fc.property(script, (steps) => {
      play(steps.slice(-40), {
        before: ({ state }) => {
          before = portraitOf(state);
        },
        after: ({ state }, refused) => {
          if (!refused) return;
          refusals += 1;
          deepStrictEqual(portraitOf(state), before);
        },
      });
    }),
    60,
  );
  t.ok(refusals > 0, 'there were refusals');
});

test('claims are what the VMs add up to, and placement never takes more than there is', async (t) => {
  let owners = new Map<string, string | null>();
  holds(
    t,
    fc.property(script, (steps) => {
      play(steps, {
        before: ({ state }) => {
          owners = new Map(vmsInOrder(state).map(({ uid, host }) => [uid, host]));
        },
        after: ({ state, changes }, refused) => {
          if (refused) return;
          checkClaims(state);
          // What was found running was started by hand, and has its room whatever that leaves.
          if (changes.some(({ type }) => type === 'vm.observed')) return;
          for (const change of changes) {
            const host = newOwner(change, owners);
            if (host !== null) checkRoom(state, host, vmOf(state, change));
          }
        },
      });
    }),
    120,
  );
});

test('no limit is exceeded but by lowering it, sums never drift, and VMs are placed only where they may be', async (t) => {
  let owners = new Map<string, string | null>();
  let used = new Map<string, Holdings>();
  holds(
    t,
    fc.property(script, (steps) => {
      play(steps, {
        before: ({ state }) => {
          owners = new Map(vmsInOrder(state).map(({ uid, host }) => [uid, host]));
          used = usedUnderLimits(state);
        },
        after: ({ state, changes }, refused) => {
          checkLimits(state, used, refused ? [] : changes);
          if (!refused) checkPlaces(state, changes, owners);
        },
      });
    }),
    200,
  );
});

test('a VM starts elsewhere only when its host is proven to be off, and the host has to take away what is left', async (t) => {
  let before = new Map<string, { host: string | null; state: string | undefined }>();
  let left = 0;
  let cleared = 0;
  holds(
    t,
    fc.property(lossScript, (steps) => {
      play(steps, {
        before: ({ state }) => {
          before = new Map(
            vmsInOrder(state).map(({ uid, host }) => [
              uid,
              { host, state: state.hosts.get(host ?? '')?.state },
            ]),
          );
        },
        after: ({ state, changes }, refused) => {
          if (refused) return;
          for (const change of changes) {
            if (change.type === 'host.cleared') cleared += 1;
            if (change.type !== 'vm.placed' || change.leaves === undefined) continue;
            left += 1;
            deepStrictEqual(before.get(change.uid), { host: change.leaves.host, state: 'fenced' });
          }
          checkLeftovers(state);
        },
      });
    }),
    300,
  );
  t.ok(left > 20, `${left} VMs have left fenced hosts`);
  t.ok(cleared > 0, `${cleared} times a host had taken away what was left`);
});

/** Hosts and VMs agree on what is left where, and no VM is where something is left of it. */
function checkLeftovers(state: State): void {
  const byHosts = [...state.hosts.values()].flatMap(({ id, leftovers = [] }) =>
    leftovers.filter(({ uid }) => state.vms.get(uid) !== undefined).map(({ uid }) => `${uid} ${id}`),
  );
  const byVms = vmsInOrder(state).flatMap(({ uid, leftOn = [] }) => leftOn.map((id) => `${uid} ${id}`));
  deepStrictEqual(byVms.sort(), byHosts.sort());
  for (const { uid, host, leftOn = [] } of vmsInOrder(state)) {
    if (host !== null && leftOn.includes(host)) throw new Error(`VM ${uid} is where something is left of it`);
  }
}

/** The host that a change has placed a VM on, unless the VM was there, and claimed there, before. */
function newOwner(change: Change, owners: Map<string, string | null>): string | null {
  if (change.type === 'vm.created') return change.vm.host;
  if (change.type === 'vm.returned') return owners.get(change.uid) ?? null;
  if (change.type !== 'vm.placed' || owners.get(change.uid) === change.host) return null;
  return change.host;
}

function vmOf(state: State, change: Change): Vm | undefined {
  if (change.type === 'vm.created') return state.vms.get(change.vm.uid);
  return 'uid' in change ? state.vms.get(change.uid) : undefined;
}

/** Of extras a host may have fewer than its VMs hold, since it has lost some: then none more are given away. */
function checkRoom(state: State, id: string, newest: Vm | undefined): void {
  const row = state.hostTable.row(id) as number;
  const { freeVcpus, freeMemoryMib, freeDiskMib, freeVms } = state.hostTable;
  for (const column of [freeVcpus, freeMemoryMib, freeDiskMib, freeVms]) {
    if ((column[row] as number) < 0) throw new Error(`host ${id} was given more than it has`);
  }
  const { extras, cellRooms } = state.hostTable;
  for (const name of Object.keys(newest?.spec.extras ?? {})) {
    if (extras.free(row, name) < 0) throw new Error(`host ${id} was given more of ${name} than it has`);
  }
  const kinds = [
    { dedicatedCpus: true, hugepageKib: 2048 },
    { dedicatedCpus: false, hugepageKib: 0 },
  ];
  for (const kind of kinds) {
    const cells = cellRooms.cells(row);
    const rooms = cells.flatMap((cell) => [
      cellRooms.cellVcpus(row, cell, kind),
      cellRooms.cellMemoryMib(row, cell, kind),
    ]);
    rooms.push(cellRooms.hostVcpus(row, kind), cellRooms.hostMemoryMib(row, kind));
    if (Math.min(...rooms) < 0) throw new Error(`host ${id} was given more of its cells than they have`);
  }
  for (const [pool, claimed] of state.poolClaimedMib) {
    const capacity = state.pools.get(pool)?.capacityMib ?? 0;
    if (claimed > capacity) throw new Error(`pool ${pool} was given ${claimed} of ${capacity}`);
  }
}

/** What a VM holds: of the size that it should have and the one that it has, or may have, the larger. */
function larger({ spec, sizeBefore }: Vm): VmSize {
  const before: VmSize = sizeBefore ?? spec;
  return {
    vcpus: Math.max(spec.vcpus, before.vcpus),
    memoryMib: Math.max(spec.memoryMib, before.memoryMib),
    diskMib: Math.max(spec.diskMib, before.diskMib),
  };
}

function checkClaims(state: State): void {
  const none = (): Resources => ({ vcpus: 0, memoryMib: 0, diskMib: 0, vms: 0 });
  const hosts = new Map([...state.hosts.keys()].map((id) => [id, none()]));
  const administrations = new Map([...state.administrations.keys()].map((id) => [id, none()]));
  const pools = new Map<string, number>();
  for (const vm of vmsInOrder(state)) {
    if (vm.host === null) continue;
    const { pool, hugepageKib } = vm.spec;
    const { diskMib, ...size } = larger(vm);
    const { vcpus, memoryMib } =
      vm.displacedFor === undefined && !vm.parked ? size : { vcpus: 0, memoryMib: 0 };
    for (const held of [hosts.get(vm.host), administrations.get(vm.administration)]) {
      if (held === undefined) throw new Error(`VM ${vm.id} holds something of nobody`);
      held.vcpus += vcpus;
      held.memoryMib += held === hosts.get(vm.host) && hugepageKib !== undefined ? 0 : memoryMib;
      held.diskMib += held === hosts.get(vm.host) && pool !== '' ? 0 : diskMib;
      held.vms += 1;
    }
    if (pool !== '') pools.set(pool, (pools.get(pool) ?? 0) + diskMib);
    // One that moves holds as much of the other host.
    const peer = vm.move === undefined ? undefined : hosts.get(vm.move.peer);
    if (peer === undefined) continue;
    const hasAll = vm.displacedFor === undefined && !vm.parked;
    peer.vcpus += hasAll ? vm.spec.vcpus : 0;
    peer.memoryMib += hugepageKib === undefined && hasAll ? vm.spec.memoryMib : 0;
    peer.diskMib += pool === '' ? vm.spec.diskMib : 0;
    peer.vms += 1;
  }
  for (const id of hosts.keys()) checkSpecialClaims(state, id);
  for (const [id, held] of hosts) {
    deepStrictEqual(state.hostTable.claimed(id), held);
    const { capacity } = state.hosts.get(id) as { capacity: Resources };
    const row = state.hostTable.row(id) as number;
    deepStrictEqual(state.hostTable.freeVcpus[row], capacity.vcpus - held.vcpus);
    deepStrictEqual(state.hostTable.freeMemoryMib[row], capacity.memoryMib - held.memoryMib);
    deepStrictEqual(state.hostTable.freeDiskMib[row], capacity.diskMib - held.diskMib);
    deepStrictEqual(state.hostTable.freeVms[row], capacity.vms - held.vms);
  }
  for (const [id, held] of administrations) deepStrictEqual(state.claimOfAdministration(id), held);
  for (const [id, mib] of state.poolClaimedMib) deepStrictEqual(mib, pools.get(id) ?? 0);
}

/** Extras, cells and hugepages add up as well. */
function checkSpecialClaims(state: State, id: string): void {
  const extras: Record<string, number> = {};
  const cells = new Map<string, number>();
  let dedicated = 0;
  const hold = (what: string, amount: number) => cells.set(what, (cells.get(what) ?? 0) + amount);
  // Of the other host one that moves holds what its specification says.
  const arriving = [...state.moving.withPeer(id)].map(({ sizeBefore: _, ...vm }) => ({
    ...vm,
    numaCells: vm.move?.numaCells ?? [],
  }));
  for (const vm of [...state.vmsOfHost(id), ...arriving]) {
    const { spec, numaCells = [] } = vm;
    for (const [name, count] of Object.entries(spec.extras ?? {})) extras[name] = (extras[name] ?? 0) + count;
    const { vcpus, memoryMib } = larger(vm);
    const { hugepageKib = 0, numa } = spec;
    if (numa?.dedicatedCpus) dedicated += vcpus;
    if (hugepageKib > 0) hold('huge', memoryMib);
    if (numaCells.length !== (numa?.cells ?? 0)) throw new Error('a VM without the cells that it asked for');
    for (const cell of numaCells) {
      hold(`${cell} ${numa?.dedicatedCpus ? 'whole' : 'shared'}`, vcpus / numaCells.length);
      hold(`${cell} ${hugepageKib > 0 ? 'huge' : 'memory'}`, memoryMib / numaCells.length);
    }
  }
  deepStrictEqual(state.hostTable.claimedExtras(id), extras);
  const claims = state.hostTable.claimsOnCells(id);
  deepStrictEqual(claims?.dedicatedCpus ?? 0, dedicated);
  deepStrictEqual(claims?.hugeMib.get(2048) ?? 0, cells.get('huge') ?? 0);
  for (const [cell, claim] of claims?.cells ?? []) {
    const { dedicatedCpus, sharedVcpus, memoryMib, hugeMib } = claim;
    const amounts = {
      whole: dedicatedCpus,
      shared: sharedVcpus,
      memory: memoryMib,
      huge: hugeMib.get(2048) ?? 0,
    };
    for (const [what, amount] of Object.entries(amounts)) {
      deepStrictEqual(amount, cells.get(`${cell} ${what}`) ?? 0);
    }
  }
}

test('a VM has an operation exactly while that operation runs and names it', async (t) => {
  holds(
    t,
    fc.property(script, (steps) => {
      const { state } = play(steps);
      for (const vm of vmsInOrder(state)) {
        if (vm.operation === null) continue;
        const operation = state.operations.get(vm.operation);
        if (operation?.state !== 'running' || !operation.targets.includes(vm.uid)) {
          throw new Error(`VM ${vm.id} waits for ${vm.operation}, which is ${operation?.state}`);
        }
      }
      for (const operation of state.operations.values()) {
        if (operation.state !== 'running') continue;
        const waiting = operation.targets.filter((uid) => state.vms.get(uid)?.operation === operation.id);
        const ended = operation.succeeded + operation.failed;
        if (waiting.length + ended !== operation.targets.length) {
          throw new Error(`${operation.verb} ${operation.id} waits for nobody`);
        }
      }
    }),
    120,
  );
});

test('a term only rises, and rises whenever the owner changes', async (t) => {
  const owners = new Map<string, { host: string | null; term: number; generation: number }>();
  holds(
    t,
    fc.property(script, (steps) => {
      owners.clear();
      play(steps, {
        after: ({ state }) => {
          // What an operator adopts after a VM of this id was deleted is a VM of its own; its host's tombstones go before.
          for (const uid of owners.keys()) if (!state.vms.has(uid)) owners.delete(uid);
          for (const vm of vmsInOrder(state)) {
            const { host, term, generation } = vm;
            const before = owners.get(vm.uid);
            if (before && (term < before.term || generation < before.generation)) {
              throw new Error(`VM ${vm.id} went back from ${before.term}.${before.generation}`);
            }
            if (before && host !== null && host !== before.host && term === before.term) {
              throw new Error(`VM ${vm.id} went from ${before.host} to ${host} under one term`);
            }
            owners.set(vm.uid, { host: host ?? before?.host ?? null, term, generation });
          }
        },
      });
    }),
    120,
  );
});

test('random histories reach every kind of change', async (t) => {
  const seen = new Set<string>();
  for (const steps of fc.sample(script, { seed: 7, numRuns: 2000 })) {
    play(steps, {
      after: ({ journal }) => {
        // With what was due, and decided without a move.
        for (const line of journal.splice(0)) {
          for (const { type } of (JSON.parse(line) as [number, Change[]])[1]) seen.add(type);
        }
      },
    });
  }
  const missing = [
    'federation.opened',
    'recovery.entered',
    'recovery.ended',
    'site.created',
    'site.updated',
    'site.cordoned',
    'site.deleted',
    'administration.created',
    'administration.deleted',
    'image.created',
    'image.deleted',
    'pool.created',
    'pool.deleted',
    'host.joined',
    'host.connected',
    'host.inventory',
    'host.state',
    'host.reported',
    'host.cordoned',
    'host.fence',
    'vm.created',
    'vm.updated',
    'vm.resized',
    'vm.desired',
    'vm.reboot_ordered',
    'vm.placed',
    'vm.unplaced',
    'vm.observed',
    'vm.adopted',
    'vm.displaced',
    'vm.removed',
    'vm.parked',
    'administration.updated',
    'administration.moved',
    'administration.suspended',
    'partner.set',
    'partner.deleted',
    'quota.set',
    'quota.deleted',
    'loan.set',
    'class.set',
    'class.deleted',
    'residency.set',
    'residency.deleted',
    'agreement.set',
    'agreement.deleted',
    'breach.began',
    'breach.ended',
    'operation.started',
    'operation.target_ended',
    'operation.cancelled',
  ].filter((type) => !seen.has(type));
  t.same(missing, []);
});
