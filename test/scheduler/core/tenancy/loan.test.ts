import { test } from 'tap';
import type { CommandOf } from '../../../../scheduler/core/commands.js';
import type { Vm } from '../../../../scheduler/core/model.js';
import type { World } from '../world.js';
import { create, everywhere, quota, threeCountries } from './federation.js';

function loanOf(world: World, change: Partial<CommandOf<'loan.create'>> = {}): CommandOf<'loan.create'> {
  return {
    type: 'loan.create',
    id: 'l',
    lender: 'pula',
    borrower: 'rovinj',
    scope: everywhere,
    amount: { vms: 2 },
    untilMs: world.nowMs + 10_000,
    note: 'elections',
    ...change,
  };
}

/** pula and rovinj below istria below croatia, each with a limit of VMs. */
function lending(): World {
  const world = threeCountries();
  world.administration('rovinj', 'istria');
  quota(world, 'croatia', { vms: 9 });
  quota(world, 'istria', { vms: 4 });
  quota(world, 'pula', { vms: 3 });
  quota(world, 'rovinj', { vms: 1 });
  return world;
}

const limitOf = (world: World, administration: string) =>
  world.state.tenancy.tree.node(administration).meters.get('everywhere')?.limit.vms;
const limits = (world: World) => ['croatia', 'istria', 'pula', 'rovinj'].map((id) => limitOf(world, id));

test('a loan moves the limit along both paths, and nothing above the ancestor that both have', async (t) => {
  const world = lending();
  world.run(loanOf(world));
  t.same(limits(world), [9, 4, 1, 3]);
  create(world, 'rovinj', 'a');
  t.equal(create(world, 'rovinj', 'b'), 'zagreb-1', 'with what was borrowed');
  create(world, 'pula', 'a');
  t.match(create(world, 'pula', 'b'), { reason: 'QUOTA_EXCEEDED' });
});

test('between cousins the limits on both ways up are moved', async (t) => {
  const world = lending();
  world.administration('dalmatia', 'croatia');
  world.administration('split', 'dalmatia');
  quota(world, 'dalmatia', { vms: 5 });
  quota(world, 'split', { vms: 0 });
  world.run(loanOf(world, { borrower: 'split' }));
  t.same(limits(world), [9, 2, 1, 1]);
  t.same([limitOf(world, 'dalmatia'), limitOf(world, 'split')], [7, 2]);
  world.run({ type: 'administration.move', id: 'split', parent: 'istria', etag: '' });
  t.same(limits(world), [9, 4, 1, 1], 'a move of the borrower moves the paths');
  t.equal(limitOf(world, 'dalmatia'), 5);
});

test('a loan ends at its time, by a change of its own, and what was grown under it stays', async (t) => {
  const world = lending();
  world.run(loanOf(world));
  for (const id of ['a', 'b', 'c']) create(world, 'rovinj', id);
  world.nowMs += 9_999;
  world.catchUp();
  t.equal(limitOf(world, 'rovinj'), 3);
  world.nowMs += 1;
  t.match(create(world, 'rovinj', 'd'), { reason: 'QUOTA_EXCEEDED', metadata: { limit: '1', used: '3' } });
  t.match(world.state.tenancy.loans.get('l'), { state: 'expired' });
  t.ok(
    world.journal.some((line) => line.includes('"state":"expired"')),
    'which is in the journal',
  );
  t.equal(world.state.vmCountOfAdministration('rovinj'), 3);
});

test('a loan can be recalled at once, and only once', async (t) => {
  const world = lending();
  const { revision } = world.run(loanOf(world));
  t.match(world.refused({ type: 'loan.recall', id: 'l', etag: '"9"' }), { kind: 'aborted' });
  t.match(world.run({ type: 'loan.recall', id: 'l', etag: `"${revision}"` }), { state: 'recalled' });
  t.same(limits(world), [9, 4, 3, 1]);
  t.match(world.refused({ type: 'loan.recall', id: 'l', etag: '' }), { reason: 'LOAN_ENDED' });
});

test('only what is there, unused and of use can be lent', async (t) => {
  const world = lending();
  const refusal = (change: Partial<CommandOf<'loan.create'>>) => world.refused(loanOf(world, change)).reason;
  t.equal(refusal({ lender: 'rovinj' }), 'LOAN_TO_ITSELF');
  t.equal(refusal({ lender: 'nowhere' }), 'ADMINISTRATION_NOT_FOUND');
  t.equal(refusal({ amount: { vcpus: 1 } }), 'NO_QUOTA_TO_LEND');
  t.equal(refusal({ amount: { vms: 4 } }), 'NOT_ENOUGH_UNUSED');
  t.equal(refusal({ untilMs: world.nowMs }), 'LOAN_IN_THE_PAST');
  t.equal(refusal({ scope: { kind: 'site', site: 'atlantis' } }), 'SITE_NOT_FOUND');
  t.equal(refusal({ borrower: 'macedonia' }), 'LOAN_WITHOUT_EFFECT');
  create(world, 'pula', 'a');
  create(world, 'pula', 'b');
  t.equal(refusal({}), 'NOT_ENOUGH_UNUSED');
  t.ok(world.run(loanOf(world, { amount: { vms: 1 } })));
  t.equal(refusal({}), 'LOAN_EXISTS');
  t.match(world.refused({ type: 'quota.delete', administration: 'pula', scope: everywhere, etag: '' }), {
    reason: 'QUOTA_ON_LOAN',
  });
});

/** Split, below dalmatia, lends pula two VMs; dalmatia and istria are both below croatia. */
function lendingAcross(): World {
  const world = lending();
  world.administration('dalmatia', 'croatia');
  world.administration('split', 'dalmatia');
  quota(world, 'dalmatia', { vms: 5 });
  quota(world, 'split', { vms: 3 });
  quota(world, 'rovinj', { vms: 6 });
  world.run(loanOf(world, { lender: 'split', borrower: 'pula' }));
  return world;
}
const move = (id: string, parent: string | null) =>
  ({ type: 'administration.move', id, parent, etag: '' }) as const;

test('a lender cannot move to where its loan would end what is used with it', async (t) => {
  const world = lendingAcross();
  t.equal(limitOf(world, 'istria'), 6);
  for (const id of ['a', 'b', 'c', 'd', 'e']) create(world, 'pula', id);
  t.match(world.refused(move('split', 'istria')), {
    reason: 'QUOTA_EXCEEDED',
    metadata: { subject: 'administrations/istria/quotas/everywhere', limit: '6', used: '5', more: '2' },
  });
  world.run({ type: 'vm.delete', vm: { administration: 'pula', id: 'a' }, operation: 'o', etag: '' });
  world.see(world.state.vmByName('pula', 'a') as Vm, 'absent');
  world.run(move('split', 'istria'));
  t.equal(limitOf(world, 'istria'), 4, 'as much as is used');
});

test('a borrower cannot take away what others use where it leaves', async (t) => {
  const world = lendingAcross();
  for (const id of ['a', 'b', 'c', 'd', 'e']) create(world, 'rovinj', id);
  for (const parent of ['dalmatia', 'croatia', null]) {
    t.match(world.refused(move('pula', parent)), {
      reason: 'LOAN_IN_USE',
      message: /"istria" uses everywhere what "pula" has borrowed: without it 1 VM would be missing.*\(l\)/,
    });
  }
  world.run({ type: 'loan.recall', id: 'l', etag: '' });
  t.ok(world.run(move('pula', 'dalmatia')), 'after the recall it can');
});
