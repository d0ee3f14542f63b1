/**
 * A random batch in a random federation, held against the same VMs created one after the other: each has to go where
 * it would have gone alone, or be refused in the same way. Afterwards the batch, which was only decided, must have left
 * nothing behind.
 */
import { isDeepStrictEqual } from 'node:util';
import type { NewVm } from '../../../../scheduler/core/commands.js';
import { decide } from '../../../../scheduler/core/decide.js';
import type { GroupPolicy, GroupRule, GroupScope } from '../../../../scheduler/core/model.js';
import { Leaders } from '../../../../scheduler/core/placement/leaders.js';
import type { Strategy } from '../../../../scheduler/core/placement/scorers/index.js';
import { State } from '../../../../scheduler/core/state.js';
import { entitiesOf, indexesOf } from '../portrait.js';
import { World } from '../world.js';
import { Random } from './random.js';

export interface BatchOutcome {
  placed: number;
  refused: number;
  /** VMs whose host was found among the best of each rack. */
  led: number;
}

/** @throws Error when the batch differs from its VMs one by one. */
export function batchAgainstSingles(seed: number): BatchOutcome {
  const random = new Random(seed);
  const world = federation(random);
  const vms = wishes(random, world);
  const before = portrait(world.state);
  const led = countLed();
  const command = { ...world.createOf(vms), bestEffort: true };
  const decision = decide(world.state, command, world.nowMs);
  const outcome = { placed: 0, refused: 0, led: led() };
  if (decision.refusal) throw new Error(decision.refusal.message);
  const { vms: made, refused } = decision.reply(world.state);
  if (!isDeepStrictEqual(portrait(world.state), before)) throw new Error(`seed ${seed}: it left something`);
  const hostOf = new Map(made.map((vm) => [vm.uid, vm.host]));
  const reasonOf = new Map(refused.map(({ index, refusal }) => [vms[index]?.uid, refusal.reason]));
  for (const [index, vm] of vms.entries()) {
    const alone = world.try(world.createOf([vm]));
    const [is, was] =
      'refusal' in alone
        ? [reasonOf.get(vm.uid), alone.refusal.reason]
        : [hostOf.get(vm.uid), alone.reply.vms[0]?.host];
    if (is !== was) throw new Error(`seed ${seed}: VM ${index} of the batch: ${is}, alone: ${was}`);
    if ('refusal' in alone) outcome.refused += 1;
    else outcome.placed += 1;
  }
  return outcome;
}

function portrait(state: State): object {
  return { entities: entitiesOf(state), indexes: indexesOf(state) };
}

/** Counts the hosts that `Leaders` find from now on; the function that is returned ends it. */
function countLed(): () => number {
  const { find } = Leaders.prototype;
  let found = 0;
  Leaders.prototype.find = function counting() {
    const row = find.call(this);
    if (row >= 0) found += 1;
    return row;
  };
  return () => {
    Leaders.prototype.find = find;
    return found;
  };
}

function federation(random: Random): World {
  const strategies: Strategy[] = ['pack', 'pack', 'spread', 'balance', 'first-fit'];
  const world = new World(new State(random.pick(strategies)));
  world.run({ type: 'federation.open', instance: 'first', name: 'test', incarnation: 1 });
  const sites = ['s0', 's1', 's2'];
  for (const id of sites) {
    world.site(id);
    world.run({ type: 'site.update', id, priceTier: random.below(3), etag: '' });
  }
  world.administration('adm');
  world.image('tiny');
  const racks = random.pick([['r1', 'r2'], ['', 'r1', 'r2', 'r3'], ['']]);
  const hosts = 10 + random.below(50);
  for (let number = 0; number < hosts; number += 1) {
    const id = `${random.pick(['a', 'm', 'z'])}${number}`;
    const [site, rack] = [random.pick(sites), random.pick(racks)];
    world.run({ type: 'host.join', id, site, rack, machineId: `machine-of-${id}` });
    const memoryMib = 1024 * random.pick([8, 16, 24]);
    world.hello(id, { capacity: { vcpus: 16, memoryMib, diskMib: 10 ** 6, vms: 10 + random.below(10) } });
  }
  // Some life before the batch.
  for (let number = 0; number < hosts; number += 1) {
    world.nowMs += random.below(200_000);
    world.try(world.createOf([newVm(random, world, `old-${number}`)]));
  }
  return world;
}

/** Mostly VMs that are alike, of one kind or of a few that come in turns. */
function wishes(random: Random, world: World): NewVm[] {
  const kinds = Array.from({ length: random.pick([1, 1, 2, 4]) }, () => newVm(random, world, 'kind'));
  return Array.from({ length: 40 + random.below(200) }, (_, index) => {
    return { ...random.pick(kinds), id: `vm-${index}`, uid: world.draw('vm') };
  });
}

function newVm(random: Random, world: World, id: string): NewVm {
  const groups = Array.from({ length: random.pick([0, 1, 1, 2, 3]) }, (_, number) => rule(random, number));
  return world.newVm(id, {
    vcpus: random.pick([1, 1, 2]),
    memoryMib: random.pick([512, 1024, 3000]),
    placement: {
      sites: random.next() < 0.2 ? ['s0', 's1'] : [],
      countries: [],
      excludedHosts: [...world.state.hosts.keys()].filter(() => random.next() < 0.03),
      ...(groups.length > 0 ? { groups } : {}),
      preferCheap: random.next() < 0.2,
      ...(random.next() < 0.2 ? { preferredSites: ['s2', 's0'], preferredSitesInOrder: true } : {}),
    },
  });
}

/** What a group asks for is in its name, so that all its VMs say the same. */
function rule(random: Random, number: number): GroupRule {
  const policy = random.pick<GroupPolicy>(['affinity', 'anti_affinity', 'anti_affinity', 'spread', 'spread']);
  const scope = random.pick<GroupScope>(
    policy === 'spread' ? ['rack', 'rack', 'site'] : ['host', 'rack', 'site'],
  );
  const soft = random.next() < 0.4;
  const maxSkew = policy === 'spread' ? random.pick([1, 2, 5]) : 0;
  return {
    group: `g${number}-${policy.replace('_', '-')}-${scope}-${soft}-${maxSkew}`,
    policy,
    scope,
    soft,
    maxSkew,
  };
}
