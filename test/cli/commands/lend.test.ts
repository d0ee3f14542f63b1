import { status } from '@grpc/grpc-js';
import t from 'tap';
import { ago } from '../fixtures.js';
import { cli, nowMs } from '../run-cli.js';
import { Refused, ScriptedServer } from '../scripted-server.js';

const server = await ScriptedServer.start();
t.teardown(() => server.down());
const secovia = (...args: string[]) => cli(args, { server: server.address });

const summer = {
  name: 'loans/summer',
  lender: 'administrations/zagreb',
  borrower: 'administrations/split',
  scope: { country: 'HR' },
  amount: { vcpus: 32, extras: { 'gpu:a30': 1 } },
  expireTime: { seconds: nowMs / 1000 + 86_400 * 30 },
  note: 'the season',
  state: 'LOAN_STATE_ACTIVE',
  etag: '"1"',
  createTime: ago(7200),
} as const;

t.test('create says who, to whom, how much, where and until when', async (t) => {
  server.on('QuotaService', 'CreateLoan', ({ loanId, loan }) => ({
    loan: { ...loan, name: `loans/${loanId}` },
  }));
  const words = ['lend', 'create', 'summer', '--from', 'zagreb', '--to', 'administrations/split'];
  t.match(
    await secovia(
      ...words,
      '--vcpus',
      '32',
      '--extra',
      'gpu:a30=1',
      '--until',
      '2027-01-31T12:00Z',
      '--country',
      'hr',
    ),
    { code: 0, out: 'created loan summer from zagreb to split\n' },
  );
  await secovia(...words, '--memory', '1TiB', '--until', '30d', '--note', 'why');
  t.match(server.sent('QuotaService', 'CreateLoan'), [
    {
      loanId: 'summer',
      loan: {
        lender: 'administrations/zagreb',
        borrower: 'administrations/split',
        scope: { country: 'HR' },
        amount: { vcpus: 32, extras: { 'gpu:a30': 1 } },
        expireTime: { seconds: Date.UTC(2027, 0, 31, 12) / 1000 },
      },
      requestId: /^[0-9a-f-]{36}$/,
    },
    {
      loan: {
        amount: { memoryMib: 1_048_576 },
        expireTime: { seconds: nowMs / 1000 + 30 * 86_400 },
        note: 'why',
      },
    },
  ]);
  t.match(await secovia(...words, '--until', '30d'), { code: 2, err: /lend how much\?/ });
  t.match(await secovia(...words, '--vcpus', '1', '--until', '30'), { code: 2, err: /--until.*Write a day/ });
  t.match(await secovia(...words, '--vcpus', '1'), { code: 2, err: /--until <time>/ });
});

t.test('list, show and recall', async (t) => {
  server.on('QuotaService', 'ListLoans', () => ({ loans: [summer] }));
  server.on('QuotaService', 'GetLoan', () => ({ loan: summer }));
  server.on('QuotaService', 'RecallLoan', ({ name }) => ({ loan: { name } }));
  const { out } = await secovia('lend', 'list', '-A', 'zagreb', '--ended');
  t.match(
    out,
    /^summer +zagreb +split +HR +ACTIVE +2026-12-23T07:00:00Z \(in 30d\) +32 vCPUs, 1 gpu:a30 +2h +the season$/m,
  );
  t.match(server.sent('QuotaService', 'ListLoans'), [
    { administration: 'administrations/zagreb', showEnded: true },
  ]);
  const sheet = (await secovia('lend', 'show', 'summer')).out;
  t.match(sheet, /^Amount +32 vCPUs, 1 gpu:a30$/m);
  t.notMatch(sheet, /Ended/);
  t.match(await secovia('lend', 'recall', 'summer', '--etag', '"1"'), { out: 'recalled loan summer\n' });
  t.match(server.sent('QuotaService', 'RecallLoan'), [{ name: 'loans/summer', etag: '"1"' }]);
  t.equal((await secovia('lend', 'recall', 'summer', '-o', 'name')).out, 'loans/summer\n');
});

t.test('a lender that has too little is told where to look', async (t) => {
  server.on('QuotaService', 'CreateLoan', () => {
    throw new Refused(status.RESOURCE_EXHAUSTED, 'administration "zagreb" has 1 vCPU unused', {
      errorInfo: { reason: 'NOT_ENOUGH_UNUSED', metadata: { administration: 'zagreb' } },
    });
  });
  const words = 'lend create summer --from zagreb --to split --vcpus 9 --until 30d'.split(' ');
  t.match(await secovia(...words), { code: 4, err: /See it with: secovia quota show zagreb$/m });
});
