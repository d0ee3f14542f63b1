import { deepStrictEqual, ok } from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'tap';
import type { Command } from '../../../../scheduler/core/commands.js';
import type { Vm } from '../../../../scheduler/core/model.js';
import { holds } from '../../holds.js';
import { replay } from '../journal.js';
import { portraitOf, vmsInOrder } from '../portrait.js';
import { beginning, commandOf, travelScript } from '../script.js';
import type { World } from '../world.js';

/** What was known of a VM before a decision. */
type Before = Pick<Vm, 'host' | 'term' | 'move' | 'generation'>;

interface Counts {
  begun: number;
  cold: number;
  live: number;
  back: number;
  cleared: number;
}

/** Of each change of an owner it is known why it was allowed. */
function checkOwner(world: World, command: Command, vm: Vm, was: Before, counts: Counts): void {
  if (vm.host === was.host || vm.host === null) return;
  ok(vm.term > was.term, `VM ${vm.id} has another host under the term that it had`);
  const { move } = was;
  if (move === undefined || world.state.hosts.get(was.host ?? '')?.state === 'fenced') return;
  if (command.type === 'vm.evacuate' || command.type === 'vm.move_settle') return;
  ok(command.type === 'host.observe', `VM ${vm.id} changes its owner by ${command.type}`);
  const { observation, id } = command;
  if (world.state.federation.recoveringSites.length > 0) return;
  if (move.mode === 'cold') {
    const said = move.phase === 'arriving' ? 'refused' : 'absent';
    deepStrictEqual([id, observation.state], [was.host, said]);
    ok(observation.generation >= was.generation, 'an older word frees nothing');
    if (move.phase === 'arriving') counts.back += 1;
    else counts.cold += 1;
    return;
  }
  // One of both hosts has just said the second of the two things that there must be. A source whose agent has lost its file
  // refuses what it does not have any more, and means it only when it has heard the newest word.
  if (id === was.host) {
    ok(move.arrived === true && ['absent', 'missing', 'refused'].includes(observation.state));
    ok(
      observation.state === 'missing' || observation.generation >= was.generation,
      'an older word frees nothing',
    );
  } else ok(move.left === true);
  counts.live += 1;
  if (move.phase === 'clearing') counts.cleared += 1;
}

test('however VMs move: no term is given twice, and no owner changes that was not seen without it', async (t) => {
  const counts: Counts = { begun: 0, cold: 0, live: 0, back: 0, cleared: 0 };
  holds(
    t,
    fc.property(travelScript, (steps) => {
      const world = beginning();
      const given = new Map<string, Set<number>>();
      for (const { what, afterMs } of steps) {
        world.nowMs += afterMs;
        const command = commandOf(world, what);
        const before = new Map<string, Before>(
          vmsInOrder(world.state).map(({ uid, host, term, move, generation }) => [
            uid,
            { host, term, move, generation },
          ]),
        );
        if ('refusal' in world.try<Command['type']>(command)) continue;
        for (const vm of vmsInOrder(world.state)) {
          const was = before.get(vm.uid);
          if (was === undefined) continue;
          const promised = vm.move?.term;
          if (promised !== undefined && was.move === undefined) {
            const terms = given.get(vm.uid) ?? new Set();
            ok(!terms.has(promised) && promised > was.term, `term ${promised} was given before`);
            given.set(vm.uid, terms.add(promised));
          }
          if (vm.move !== undefined && was.move === undefined) counts.begun += 1;
          ok(vm.move === undefined || vm.move.peer !== vm.host, 'a VM moves from a host to itself');
          checkOwner(world, command, vm, was, counts);
        }
      }
      deepStrictEqual(portraitOf(replay(world.journal)), portraitOf(world.state));
    }),
    600,
  );
  t.ok(counts.begun > 150, `${counts.begun} moves were begun`);
  t.ok(counts.cold > 20, `${counts.cold} cold ones went over`);
  t.ok(counts.live > 10, `${counts.live} live ones went over`);
  t.ok(counts.back > 0, `${counts.back} came back`);
  t.ok(counts.cleared > 0, `of ${counts.cleared} something paused was taken away where they were`);
});
