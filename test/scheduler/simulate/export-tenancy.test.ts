/** Limits, rules and agreements that are exported say to a simulation what they say to the federation itself. */
import { test } from 'tap';
import { simulate } from '../../../scheduler/simulate/simulate.js';
import {
  agree,
  create,
  dayMs,
  everywhere,
  inCountries,
  quota,
  rule,
  threeCountries,
} from '../core/tenancy/federation.js';
import type { World } from '../core/world.js';
import { exported } from './exported.js';

/** Three countries with quotas at two levels, a loan, rules, and agreements of which two take nothing more. */
function governed(): World {
  const world = threeCountries();
  world.run({ type: 'class.create', id: 'tax', title: '', level: 15 });
  quota(world, 'croatia', { vcpus: 40 });
  quota(world, 'istria', { vcpus: 8 });
  quota(world, 'macedonia', { vms: 3, memoryMib: 8192 }, { kind: 'country', country: 'MK' });
  quota(world, 'pula', { vms: 4 }, { kind: 'site', site: 'ljubljana' });
  for (const id of ['split', 'rijeka']) world.administration(id, 'croatia');
  quota(world, 'split', { vcpus: 6 });
  const until = { untilMs: world.nowMs + dayMs, note: '' };
  const amount = { vcpus: 2 };
  world.run({
    type: 'loan.create',
    id: 'l',
    lender: 'split',
    borrower: 'istria',
    scope: everywhere,
    amount,
    ...until,
  });
  rule(world, { allowed: inCountries('HR', 'SI') });
  rule(world, {
    id: 'later',
    dataClass: 'public',
    forbidden: inCountries('HR'),
    fromMs: world.nowMs + dayMs,
  });
  rule(world, { id: 'not-mk', dataClass: 'public', administration: 'croatia', forbidden: inCountries('MK') });
  agree(world, { limit: { vcpus: 3 } });
  const rijeka = { kind: 'administration', administration: 'rijeka' } as const;
  agree(world, { id: 'rijeka-in-si', beneficiary: rijeka, reserve: { vcpus: 1000 } });
  const pula = { kind: 'administration', administration: 'pula' } as const;
  agree(world, { id: 'pula-in-si', beneficiary: pula, limitPercent: 10 });
  agree(world, { id: 'hr-in-mk', partner: 'marnet', noticeDays: 0 });
  agree(world, { id: 'si-in-mk', partner: 'marnet', beneficiary: { kind: 'partner', partner: 'arnes' } });
  for (const site of ['skopje', 'zagreb']) create(world, 'pula', `pula-in-${site}`, rather(site));
  create(world, 'slovenia', 'old', at('skopje'));
  create(world, 'split', 'register', { dataClass: 'personal', ...rather('ljubljana') });
  for (const id of ['hr-in-mk', 'si-in-mk']) world.run({ type: 'agreement.recall', id, etag: '' });
  rule(world, { id: 'tighter', forbidden: inCountries('SI'), priority: 20 });
  world.run({ type: 'administration.suspend', id: 'slovenia', suspended: true });
  return world;
}

const rather = (site: string) => ({
  placement: { sites: [], countries: [], excludedHosts: [], preferredSites: [site] },
});
const at = (site: string) => ({ placement: { sites: [site], countries: [], excludedHosts: [] } });

test('what quotas, rules and agreements say is said alike by a federation and by its copy', async (t) => {
  const world = governed();
  const text = await exported(world.state);
  const told = new Map<string, number>();
  const steps: string[] = [];
  const answers: string[] = [];
  const tenants = ['pula', 'istria', 'split', 'rijeka', 'macedonia', 'croatia', 'slovenia'];
  const kinds = ['internal', 'public', 'personal', 'tax'];
  for (let turn = 0; turn < 84; turn += 1) {
    const administration = tenants[turn % tenants.length] as string;
    const dataClass = kinds[Math.floor(turn / 7) % 4] as string;
    const site = ['ljubljana', 'zagreb', 'skopje'][Math.floor(turn / 28)] as string;
    const vcpus = 1 + (turn % 3);
    const made = create(world, administration, `n-${turn}`, {
      vcpus,
      memoryMib: 1024,
      diskMib: 1024,
      dataClass,
      ...at(site),
    });
    const shape = `vcpus: ${vcpus}, memory: 1Gi, disk: 1Gi, class: ${dataClass}, image: tiny, sites: [${site}]`;
    steps.push(`  - place: { name: n-${turn}, administration: ${administration}, ${shape} }\n`);
    const said = typeof made === 'string' ? made : made.message;
    const reason = typeof made === 'string' ? 'placed' : made.reason;
    told.set(reason, (told.get(reason) ?? 0) + 1);
    answers.push(said);
  }
  const report = simulate(`${text}steps:\n  - breaches: {}\n${steps.join('')}`);
  const [before, ...outcomes] = report.steps.map(({ outcome }) => outcome);
  if (before?.kind !== 'breaches') throw new Error('no breaches');
  t.same(before.vms.map(({ name, reason, because, to }) => [name, reason, because, to]).sort(), [
    ['pula-in-skopje', 'AGREEMENT_ENDED', 'hr-in-mk', 'ljubljana-1'],
    ['register', 'NOT_LAWFUL', 'tighter', 'zagreb-1'],
  ]);
  const copied = outcomes.map((outcome) => {
    if (outcome.kind === 'placed') return outcome.vms[0]?.host;
    return outcome.kind === 'refused' ? outcome.message : outcome.kind;
  });
  t.same(copied, answers);
  t.same([...told.keys()].sort(), [
    'ADMINISTRATION_SUSPENDED',
    'AGREEMENT_EXHAUSTED',
    'NOT_LAWFUL',
    'NO_AGREEMENT',
    'NO_HOST',
    'QUOTA_EXCEEDED',
    'RESERVE_KEPT',
    'placed',
  ]);
});
