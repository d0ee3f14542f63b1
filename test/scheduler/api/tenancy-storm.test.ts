import { randomInt } from 'node:crypto';
import { test } from 'tap';
import { Random } from '../core/placement/random.js';
import { Books } from './storm/books.js';
import { Draws } from './storm/draws.js';
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

test('callers that draw the same numbers make no calls of the same request id', async (t) => {
  const books = new Books();
  const [one, other] = [1, 2].map(() => new Draws(new Random(1), books)) as [Draws, Draws];
  t.equal(one.administration(), other.administration());
  const ids = [one, other].flatMap((draws) => Array.from({ length: 100 }, () => draws.id()));
  t.equal(new Set(ids).size, 200);
  for (const id of ids) t.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
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
  'DeleteQuota or DeleteQuota QUOTA_NOT_FOUND',
  'CreateLoan',
  'RecallLoan',
  'CreateAgreement',
  'UpdateAgreement',
  'CreateResidencyRule',
  'MoveAdministration',
  'placed under an agreement',
  'moved to another host',
  'MigrateVm',
  'arrived on another host or handed over while it ran',
];
