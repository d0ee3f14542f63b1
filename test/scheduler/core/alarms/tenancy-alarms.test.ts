import { test } from 'tap';
import {
  agree,
  create,
  everywhere,
  inCountries,
  openAll,
  quota,
  rule,
  threeCountries,
} from '../tenancy/federation.js';
import { alarmsOf, codesOf, dayMs, minuteMs, theAlarm } from './alarms-of.js';

test('a quota that was lowered below what is held, since then, by its numbers', async (t) => {
  const world = threeCountries();
  quota(world, 'croatia', { vcpus: 10, extras: {} });
  create(world, 'pula', 'a', { vcpus: 4 });
  create(world, 'pula', 'b', { vcpus: 4 });
  t.same(codesOf(world), []);
  world.nowMs += minuteMs;
  const sinceMs = world.nowMs;
  quota(world, 'croatia', { vcpus: 6, vms: 1 });
  world.nowMs += dayMs;
  t.match(theAlarm(world, 'QUOTA_EXCEEDED'), {
    severity: 'warning',
    sinceMs,
    about: { kind: 'quota', administration: 'croatia', key: 'everywhere' },
    message: /"croatia" and those below it hold more than their quota everywhere: 8 vCPUs of 6, 2 VMs of 1$/,
  });
  quota(world, 'croatia', { vcpus: 8 });
  t.same(codesOf(world), []);
});

test('a loan that ends leaves its borrower above its quota, since then', async (t) => {
  const world = threeCountries();
  openAll(world);
  quota(world, 'macedonia', { vcpus: 10 });
  quota(world, 'slovenia', { vcpus: 2 });
  const untilMs = world.nowMs + 20 * dayMs;
  world.run({
    type: 'loan.create',
    id: 'help',
    lender: 'macedonia',
    borrower: 'slovenia',
    scope: everywhere,
    amount: { vcpus: 6 },
    untilMs,
    note: '',
  });
  create(world, 'slovenia', 'a', { vcpus: 8 });
  t.same(codesOf(world), []);
  world.nowMs = untilMs - 14 * dayMs;
  t.match(alarmsOf(world), [
    { code: 'LOAN_ENDING', severity: 'notice', about: { kind: 'loan', id: 'help' }, sinceMs: world.nowMs },
  ]);
  world.nowMs = untilMs;
  world.catchUp();
  world.nowMs += dayMs;
  t.match(alarmsOf(world), [
    { code: 'QUOTA_EXCEEDED', about: { administration: 'slovenia' }, sinceMs: untilMs },
  ]);
  t.same(codesOf(world, { role: 'administration_user', administration: 'macedonia' }), []);
});

test('a loan that was made for a few days is about to end since it was made', async (t) => {
  const world = threeCountries();
  for (const one of ['croatia', 'slovenia']) quota(world, one, { vcpus: 10 });
  const untilMs = world.nowMs + 3 * dayMs;
  const sinceMs = world.nowMs;
  const loan = { lender: 'croatia', borrower: 'slovenia', scope: everywhere, amount: { vcpus: 1 }, note: '' };
  world.run({ type: 'loan.create', id: 'help', untilMs, ...loan });
  world.nowMs += dayMs;
  t.equal(theAlarm(world, 'LOAN_ENDING').sinceMs, sinceMs);
  const codesAs = (role: 'administration_administrator' | 'administration_user', administration: string) =>
    codesOf(world, { role, administration });
  t.same(codesAs('administration_administrator', 'croatia'), ['LOAN_ENDING']);
  t.same(codesAs('administration_administrator', 'slovenia'), ['LOAN_ENDING']);
  t.same(codesAs('administration_administrator', 'macedonia'), []);
  t.same(codesAs('administration_user', 'croatia'), []);
});

test('VMs where the law does not allow them any more, once for administration, class and site', async (t) => {
  const world = threeCountries();
  openAll(world);
  for (const id of ['a', 'b'])
    create(world, 'pula', id, {
      dataClass: 'internal',
      placement: { sites: ['skopje'], countries: [], excludedHosts: [] },
    });
  world.nowMs += minuteMs;
  const sinceMs = world.nowMs;
  rule(world, { dataClass: 'internal', administration: 'croatia', allowed: inCountries('HR') });
  world.nowMs += dayMs;
  world.catchUp();
  t.match(alarmsOf(world), [
    {
      code: 'RESIDENCY_BREACH',
      severity: 'critical',
      about: { kind: 'administration', id: 'pula', site: 'skopje' },
      of: 'internal.skopje',
      sinceMs,
      message: /residency rule "rule" does not allow internal data of "pula" on site "skopje"/,
    },
  ]);
  const operatorOf = (partner: string) => codesOf(world, { role: 'partner_operator', partner });
  t.same(operatorOf('marnet'), ['RESIDENCY_BREACH']);
  t.same(operatorOf('arnes'), []);
  t.same(codesOf(world, { role: 'administration_user', administration: 'istria' }), ['RESIDENCY_BREACH']);
  t.same(codesOf(world, { role: 'administration_user', administration: 'slovenia' }), []);
});

test('an agreement from a month before its end to its breach', async (t) => {
  const world = threeCountries();
  // Its sites serve its own administrations alone from now on.
  const untilMs = world.nowMs + 100 * dayMs;
  world.run({ type: 'partner.update', id: 'arnes', open: false, etag: '' });
  agree(world, { untilMs });
  world.run({ type: 'partner.update', id: 'carnet', open: false, etag: '' });
  create(world, 'croatia', 'a', { placement: { sites: ['ljubljana'], countries: [], excludedHosts: [] } });
  t.same(codesOf(world), []);
  const at = (ms: number) => {
    world.nowMs = ms;
    world.catchUp();
    return alarmsOf(world).map(({ code, severity, sinceMs }) => [code, severity, sinceMs]);
  };
  t.same(at(untilMs - 30 * dayMs - 1), []);
  t.same(at(untilMs - dayMs), [['AGREEMENT_ENDING', 'notice', untilMs - 30 * dayMs]]);
  t.same(at(untilMs + dayMs), [['AGREEMENT_IN_NOTICE', 'warning', untilMs]]);
  t.same(at(untilMs + 31 * dayMs), [['AGREEMENT_BREACH', 'warning', untilMs + 31 * dayMs]]);
  t.same(at(untilMs + 40 * dayMs), [['AGREEMENT_BREACH', 'warning', untilMs + 31 * dayMs]]);
  t.same(codesOf(world, { role: 'partner_operator', partner: 'marnet' }), []);
  t.same(codesOf(world, { role: 'partner_operator', partner: 'arnes' }), ['AGREEMENT_BREACH']);
});
