/** Moves between hosts in random histories: orders and drains, what the two hosts say next, and what becomes of them. */
import fc from 'fast-check';
import type { Command, DomainState, Observation } from '../../../../scheduler/core/commands.js';
import type { Vm } from '../../../../scheduler/core/model.js';
import { vmsInOrder } from '../portrait.js';
import type { World } from '../world.js';

const vm = fc.nat(20);
const begin = fc.record({
  move: fc.constant('migrate' as const),
  vm,
  mode: fc.constantFrom('live' as const, 'cold' as const, null),
  host: fc.constantFrom(-1, -1, -1, -1, 0, 1),
});
/** What comes next in a move that goes on, said by whichever host has to say it; or what goes wrong. */
const onTheWay = fc.record({
  move: fc.constant('onTheWay' as const),
  vm,
  atPeer: fc.boolean(),
  goes: fc.constantFrom(
    'on' as const,
    'on' as const,
    'on' as const,
    'wrong' as const,
    'old' as const,
    'still' as const,
  ),
});
/** A host has brought a VM to what it should be, which it has to be before it can move. */
const obey = fc.record({ move: fc.constant('obey' as const), vm });
const settle = fc.record({ move: fc.constantFrom('settle' as const, 'giveUp' as const), vm });
const drain = fc.record({
  move: fc.constantFrom(
    'drain' as const,
    'drainVm' as const,
    'drainVm' as const,
    'undrain' as const,
    'pause' as const,
  ),
  vm,
  host: fc.nat(2),
  on: fc.boolean(),
});

export const travel = fc.oneof(
  { arbitrary: begin, weight: 3 },
  { arbitrary: onTheWay, weight: 6 },
  { arbitrary: settle, weight: 1 },
  { arbitrary: obey, weight: 5 },
  { arbitrary: drain, weight: 2 },
);
export type Travel = typeof travel extends fc.Arbitrary<infer T> ? T : never;

const pick = <T>(some: readonly T[], index: number): T | undefined => some[index % Math.max(1, some.length)];

export function travelOf(world: World, plan: Travel): Command {
  const all = vmsInOrder(world.state);
  const moving = all.filter(({ move }) => move !== undefined);
  const uid = (some: readonly Vm[]) => pick(some, plan.vm)?.uid ?? 'nobody';
  switch (plan.move) {
    case 'migrate': {
      // Only those with their disk on a pool can, and those that are settled.
      const ready = all.filter(
        ({ spec, state, desired, operation }) => spec.pool !== '' && state === desired && operation === null,
      );
      return {
        type: 'vm.migrate',
        vm: { uid: uid(ready.length > 0 ? ready : all) },
        host: plan.host < 0 ? null : `h${plan.host}`,
        mode: plan.mode,
        graceSeconds: 60,
        operation: world.draw('operation'),
        etag: '',
      };
    }
    case 'onTheWay':
      return wordOf(pick(moving, plan.vm), plan);
    case 'obey': {
      const late = all.filter(
        ({ move, state, desired, host }) => host !== null && !move && state !== desired,
      );
      const of = pick(late, plan.vm);
      const state = of?.desired === 'deleted' ? 'absent' : (of?.desired ?? 'running');
      return wordBy(of?.host ?? 'h0', of, { state });
    }
    case 'settle':
      return { type: 'vm.move_settle', uid: uid(moving) };
    case 'giveUp':
      return { type: 'vm.move_give_up', uid: uid(moving), message: 'a test' };
    case 'drain':
      return { type: 'host.drain', id: `h${plan.host}`, deadlineMs: plan.on ? world.nowMs + 10_000 : null };
    case 'drainVm': {
      const drained = all.filter(({ host }) => world.state.hosts.get(host ?? '')?.drain !== undefined);
      const mode = plan.on ? 'live' : 'cold';
      return {
        type: 'vm.drain',
        uid: uid(drained),
        mode,
        isLast: plan.host > 0,
        operations: Array.from({ length: 4 }, () => world.draw('operation')),
      };
    }
    case 'undrain':
      return { type: 'host.undrain', id: `h${plan.host}` };
    case 'pause':
      return { type: 'host.drain_pause', id: `h${plan.host}`, paused: plan.on };
  }
}

function wordOf(of: Vm | undefined, { atPeer, goes }: Extract<Travel, { move: 'onTheWay' }>): Command {
  const { move, host } = of ?? {};
  const generation = (of?.generation ?? 1) - (goes === 'old' ? 1 : 0);
  const fault = { code: 9, reason: 'WRONG', message: 'a fault' };
  if (atPeer && move?.term !== undefined) {
    const next = move.phase === 'getting_ready' ? 'awaited' : 'running';
    const there = { term: move.term, generation };
    return wordBy(
      move.peer,
      of,
      goes === 'wrong' ? { ...there, state: 'refused', fault } : { ...there, state: next },
    );
  }
  const phase = move?.phase ?? 'arriving';
  // How the hand-over has ended its host does not know.
  if (goes === 'still')
    return wordBy(host ?? 'h0', of, { generation: generation - 1, state: 'paused', fault });
  if (goes !== 'wrong') return wordBy(host ?? 'h0', of, { generation, state: nextWords[phase] });
  if (phase === 'arriving') return wordBy(host ?? 'h0', of, { state: 'refused', fault });
  return wordBy(host ?? 'h0', of, { generation: generation - 1, state: 'running', fault });
}

function wordBy(
  id: string,
  of: Vm | undefined,
  said: Partial<Observation> & Pick<Observation, 'state'>,
): Command {
  const { uid = 'nobody', term = 1, generation = 1, rebootCount = 0 } = of ?? {};
  const observation = {
    uid,
    term,
    generation,
    toldGeneration: generation,
    rebootCount,
    fault: null,
    ...said,
  };
  return { type: 'host.observe', id, observation };
}

const nextWords: Record<NonNullable<Vm['move']>['phase'], DomainState> = {
  going_off: 'stopped',
  leaving: 'absent',
  arriving: 'running',
  getting_ready: 'running',
  handing_over: 'absent',
  aborting: 'running',
  clearing: 'absent',
};
