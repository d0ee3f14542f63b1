import { test } from 'tap';
import type { Change } from '../../../scheduler/core/changes.js';
import type { Vm } from '../../../scheduler/core/model.js';
import { create, openAll, quota, threeCountries } from './tenancy/federation.js';
import { TenancyWitness } from './tenancy-witness.js';

/** A federation in which pula may have one VM and has it, with a witness that has followed its journal. */
function followed() {
  const world = threeCountries();
  openAll(world);
  quota(world, 'pula', { vms: 1 });
  create(world, 'pula', 'a');
  const witness = new TenancyWitness();
  for (const line of world.journal) witness.follow(line);
  witness.verify();
  const vm = structuredClone(world.state.vmByName('pula', 'a') as Vm);
  /** A decision that nobody has taken. */
  const forge = (change: Change) => () => witness.follow(JSON.stringify([world.nowMs, [change]]));
  return { world, witness, vm, forge };
}

test('a witness passes what was decided, and sees a limit exceeded by a creation or a growth', async (t) => {
  const { vm, forge, witness, world } = followed();
  t.equal(witness.state.sequence, world.state.sequence);
  t.throws(
    forge({ type: 'vm.created', vm: { ...vm, uid: 'b', id: 'b' } }),
    /quota pula\/everywhere was exceeded in vms/,
  );
  const other = followed();
  quota(other.world, 'croatia', { vcpus: 1 });
  other.witness.follow(other.world.journal.at(-1) as string);
  const spec = { ...vm.spec, vcpus: 2 };
  t.throws(
    other.forge({ type: 'vm.resized', uid: other.vm.uid, spec, generation: 2 }),
    /quota croatia\/everywhere was exceeded in vcpus/,
  );
});

test('it sees what is somewhere against the rules, of one suspended, or taken away unasked', async (t) => {
  const { vm, forge } = followed();
  const personal = { ...vm, uid: 'b', id: 'b', administration: 'istria', dataClass: 'personal' };
  t.throws(
    forge({ type: 'vm.created', vm: { ...personal, host: 'ljubljana-1' } }),
    /on ljubljana against the rules/,
  );
  t.throws(followed().forge({ type: 'vm.removed', uid: vm.uid }), /nobody had deleted it/);
  const suspended = followed();
  suspended.forge({ type: 'administration.suspended', id: 'croatia', suspended: true })();
  t.throws(
    suspended.forge({ type: 'vm.created', vm: { ...personal, dataClass: 'public' } }),
    /of one suspended/,
  );
});

test('it sees a limit that a move or a loan leaves exceeded, and lets one be lowered', async (t) => {
  const { world, witness, forge } = followed();
  quota(world, 'slovenia', { vms: 0 });
  witness.follow(world.journal.at(-1) as string);
  quota(world, 'pula', { vms: 0 });
  witness.follow(world.journal.at(-1) as string);
  t.equal(witness.outcomes.get('limit lowered below what is used'), 1);
  t.throws(
    forge({ type: 'administration.moved', id: 'pula', parent: 'slovenia' }),
    /slovenia\/everywhere vms was exceeded by 1/,
  );
});
