/** Random histories with many orphans: one VM is never adopted twice, and what is adopted is lawful, within limits and claimed. */
import { deepStrictEqual, ok } from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'tap';
import type { Command } from '../../../../scheduler/core/commands.js';
import { verifyTenancy } from '../../../../scheduler/core/tenancy/verify.js';
import { holds } from '../../holds.js';
import { replay } from '../journal.js';
import { portraitOf } from '../portrait.js';
import { checkLimits, usedUnderLimits } from '../tenancy-laws.js';
import { beginning, commandOf, strayScript } from '../script.js';

test('whatever hosts tell and operators say, there is one copy of each VM, and it is counted once', async (t) => {
  let adopted = 0;
  let ended = 0;
  holds(
    t,
    fc.property(strayScript, (steps) => {
      const world = beginning();
      const { state } = world;
      for (const { what, afterMs } of steps) {
        world.nowMs += afterMs;
        world.catchUp();
        const command = commandOf(world, what);
        const others = [...state.hosts.values()].filter(
          ({ orphans, leftovers = [] }) =>
            command.type === 'vm.adopt' &&
            (orphans.some((each) => each.includes(command.vm.uid)) ||
              leftovers.some(({ uid }) => uid === command.vm.uid)),
        );
        const wasThere = command.type === 'vm.adopt' && state.vms.has(command.vm.uid);
        const told =
          command.type === 'vm.adopt'
            ? state.hosts.get(command.host)?.orphanVms?.find(({ uid }) => uid === command.vm.uid)
            : undefined;
        const before = usedUnderLimits(state);
        const outcome = world.try<Command['type']>(command);
        if ('refusal' in outcome) continue;
        ended += world.changes.filter(({ type }) => type === 'operation.target_ended').length;
        if (command.type !== 'vm.adopt') continue;
        adopted += 1;
        const { uid } = command.vm;
        const vm = state.vms.get(uid);
        const host = state.hosts.get(command.host);
        ok(!wasThere, 'it was no VM yet');
        deepStrictEqual(others, [host], 'no other host has anything of it');
        ok(host?.state === 'ready' && !state.federation.recoveringSites.includes(host.site));
        ok(vm !== undefined && told !== undefined && vm.host === host.id);
        ok(vm.term > told.term && vm.generation > told.generation, 'newer than what the host knows');
        const row = state.hostTable.row(host.id) as number;
        ok((state.hostTable.freeVcpus[row] as number) >= 0, 'there was room for it');
        checkLimits(state, before, world.changes);
      }
      deepStrictEqual(verifyTenancy(state).differences, []);
      deepStrictEqual(portraitOf(replay(world.journal)), portraitOf(state));
    }),
    150,
  );
  t.ok(adopted > 150, `${adopted} were adopted`);
  t.ok(ended > 20, `${ended} operations ended`);
});
