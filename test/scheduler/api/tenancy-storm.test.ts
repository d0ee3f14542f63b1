import { randomInt } from 'node:crypto';
import { test } from 'tap';
import { Storm } from './storm/storm.js';

const seed = Number(process.env['STORM_SEED'] ?? randomInt(2 ** 31));

test('no limit is exceeded and nothing acknowledged is lost, however many call and however often it crashes', async (t) => {
  t.comment(`STORM_SEED=${seed}`);
  const plan = { operations: 2500, crashes: 3, clients: 6, callsAtOnce: 6, seed, progress: () => {} };
  const { books, witness, crashes, decisions } = await Storm.run(t, plan);
  t.equal(crashes, 3);
  t.comment(
    `${books.answered} calls, ${decisions} decisions, ${books.lost} answers lost, ${books.repeated} repeated`,
  );
  t.ok(books.lost > 0, 'some calls were under way when it crashed');
  const outcomes = new Map([...books.outcomes, ...witness.outcomes]);
  for (const outcome of frequent) {
    const count = outcome.split(' or ').reduce((sum, one) => sum + (outcomes.get(one) ?? 0), 0);
    t.ok(count > 0, `${outcome}: ${count}`);
  }
});

/** What a storm of this length always comes to; of what is rarer the long one tells. */
const frequent = [
  'CreateVm',
  'CreateVm QUOTA_EXCEEDED',
  'BatchCreateVms',
  'BatchCreateVms QUOTA_EXCEEDED',
  'batch made in part',
  'ResizeVm',
  'ResizeVm QUOTA_EXCEEDED or StartVm QUOTA_EXCEEDED',
  'StartVm',
  'StopVm',
  'DeleteVm',
  'UpdateVm',
  'UpdateVm NOT_LAWFUL',
  'SetQuota',
  'DeleteQuota',
  'CreateLoan',
  'RecallLoan',
  'CreateAgreement',
  'UpdateAgreement',
  'CreateResidencyRule',
  'MoveAdministration',
  'MoveAdministration QUOTA_EXCEEDED',
  'placed under an agreement',
  'moved to another host',
  'MigrateVm',
  'arrived on another host or handed over while it ran',
];
