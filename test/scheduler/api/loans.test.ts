import { status } from '@grpc/grpc-js';
import tap, { test } from 'tap';
import { eventually } from '../within.js';
import { adm, Federation, newVm } from './federation.js';

const federation = await Federation.start(tap);
const { api, scheduler } = federation;
await federation.host('a', { obeys: true });
const [rich, poor, apart] = ['rich', 'poor', 'apart'].map((id) => `administrations/${id}`) as [
  string,
  string,
  string,
];
for (const [administrationId, parent] of [
  ['rich', adm],
  ['poor', adm],
  ['apart', ''],
] as const)
  await api.call('CreateAdministration', { administrationId, administration: { country: 'HR', parent } });
await api.call('SetQuota', { parent: rich, limit: { vcpus: 10 } });
await api.call('SetQuota', { parent: poor, limit: { vcpus: 0 } });

const later = { seconds: 4_000_000_000 };
const loan = { lender: rich, borrower: poor, amount: { vcpus: 4 }, expireTime: later, note: 'a census' };
const quotaOf = async (parent: string) =>
  (await api.call('GetQuota', { name: `${parent}/quotas/everywhere` })).quota;

test('a loan moves a limit until it is recalled, and is shown after that', async (t) => {
  t.match(await api.fails('CreateVm', { ...newVm('vm'), parent: poor }), { reason: 'QUOTA_EXCEEDED' });
  const created = await api.call('CreateLoan', { loanId: 'summer', loan });
  t.match(created.loan, {
    ...loan,
    name: 'loans/summer',
    expireTime: { seconds: 4_000_000_000 },
    state: 'LOAN_STATE_ACTIVE',
    endTime: null,
    etag: '"1"',
  });
  t.same(await api.call('GetLoan', { name: 'loans/summer' }), created);
  t.match(await quotaOf(rich), { lent: { vcpus: 4 }, borrowed: { vcpus: 0 } });
  t.match(await quotaOf(poor), { lent: { vcpus: 0 }, borrowed: { vcpus: 4 } });
  t.ok(await api.call('CreateVm', { ...newVm('vm'), parent: poor }));
  await scheduler.restart();
  t.match(await quotaOf(poor), { borrowed: { vcpus: 4 }, used: { vcpus: 1 } }, 'after a restart');
  t.match(await api.fails('RecallLoan', { name: 'loans/summer', etag: '"9"' }), { code: status.ABORTED });
  const recalled = await api.call('RecallLoan', { name: 'loans/summer', etag: '"1"' });
  t.match(recalled.loan, { state: 'LOAN_STATE_RECALLED' });
  t.ok(recalled.loan?.endTime?.seconds);
  t.match(await quotaOf(poor), { borrowed: { vcpus: 0 }, used: { vcpus: 1 } }, 'what is there runs on');
  t.match(await api.fails('RecallLoan', { name: 'loans/summer' }), {
    code: status.FAILED_PRECONDITION,
    reason: 'LOAN_ENDED',
  });
});

test('a loan expires by itself', async (t) => {
  const soon = Date.now() + 6000;
  const expireTime = { seconds: Math.floor(soon / 1000), nanos: (soon % 1000) * 1e6 };
  await api.call('CreateLoan', { loanId: 'short', loan: { ...loan, expireTime } });
  const state = async () => (await api.call('GetLoan', { name: 'loans/short' })).loan?.state;
  await eventually('the loan expires', state, (now) => now === 'LOAN_STATE_EXPIRED');
  t.match(await quotaOf(rich), { lent: { vcpus: 0 } });
});

test('loans are listed: those that are active, of whoever gives or has them, or all', async (t) => {
  await api.call('CreateLoan', { loanId: 'active', loan });
  const names = async (administration: string, showEnded = false) =>
    (await api.call('ListLoans', { administration, showEnded })).loans.map(({ name }) => name);
  t.same(await names(''), ['loans/active']);
  t.same(await names(rich), ['loans/active']);
  t.same(await names(poor, true), ['loans/active', 'loans/short', 'loans/summer']);
  t.same(await names(adm, true), []);
  t.match(await api.fails('ListLoans', { administration: 'administrations/none' }), {
    code: status.NOT_FOUND,
  });
  t.match(await api.fails('ListLoans', { administration: 'none' }), { code: status.INVALID_ARGUMENT });
});

test('every field that is wrong is named, and nothing is left behind', async (t) => {
  const before = await api.sequence();
  t.match(
    await api.fails('CreateLoan', {
      loanId: '-',
      loan: {
        lender: 'rich',
        borrower: '',
        scope: { country: 'hr' },
        amount: { vcpus: 0, extras: { 'gpu:a30': 0 } },
        note: 'x'.repeat(501),
      },
    }),
    {
      code: status.INVALID_ARGUMENT,
      details: {
        fieldViolations: [
          { field: 'loan_id' },
          { field: 'loan.lender' },
          { field: 'loan.borrower' },
          { field: 'loan.scope.country' },
          { field: 'loan.amount.vcpus', description: /from 1 to/ },
          { field: 'loan.amount.extras.gpu:a30' },
          { field: 'loan.expire_time', description: /is missing/ },
          { field: 'loan.note' },
        ],
      },
    },
  );
  const invalid = async (change: object) =>
    (await api.fails('CreateLoan', { loanId: 'x', loan: { ...loan, ...change } })).details.fieldViolations;
  t.match(await invalid({ amount: {} }), [{ field: 'loan.amount', description: /at least one amount/ }]);
  t.match(await invalid({ amount: null }), [{ field: 'loan.amount' }]);
  for (const expireTime of [{ seconds: 1 }, { seconds: -5 }, { seconds: 1e12 }, { seconds: 4e9, nanos: -1 }])
    t.match(await invalid({ expireTime }), [{ field: 'loan.expire_time' }], JSON.stringify(expireTime));
  t.match(await api.fails('CreateLoan', { loanId: 'x' }), {
    details: { fieldViolations: [{ field: 'loan' }] },
  });
  t.equal(await api.sequence(), before);
});

test('a loan that cannot be given is refused, with what keeps it', async (t) => {
  const refused = (change: object) => api.fails('CreateLoan', { loanId: 'x', loan: { ...loan, ...change } });
  t.match(await api.fails('CreateLoan', { loanId: 'active', loan }), { code: status.ALREADY_EXISTS });
  t.match(await refused({ lender: 'administrations/none' }), { code: status.NOT_FOUND });
  t.match(await refused({ borrower: rich }), { reason: 'LOAN_TO_ITSELF' });
  t.match(await refused({ amount: { vcpus: 11 } }), {
    code: status.RESOURCE_EXHAUSTED,
    reason: 'NOT_ENOUGH_UNUSED',
  });
  t.match(await refused({ amount: { vms: 1 } }), {
    code: status.FAILED_PRECONDITION,
    reason: 'NO_QUOTA_TO_LEND',
  });
  t.match(await refused({ borrower: apart }), { reason: 'LOAN_WITHOUT_EFFECT' });
  t.match(await refused({ scope: { site: 'sites/none' } }), { reason: 'SITE_NOT_FOUND' });
  t.match(await api.fails('GetLoan', { name: 'loans/none' }), { reason: 'LOAN_NOT_FOUND' });
  t.match(await api.fails('RecallLoan', { name: 'loans/none' }), { code: status.NOT_FOUND });
  t.match(await api.fails('DeleteQuota', { name: `${rich}/quotas/everywhere` }), {
    code: status.FAILED_PRECONDITION,
    reason: 'QUOTA_ON_LOAN',
  });
});
