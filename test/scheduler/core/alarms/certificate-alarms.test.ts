import { test } from 'tap';
import type { OwnCertificate } from '../../../../scheduler/core/alarms/alarm.js';
import { smallWorld, type World } from '../world.js';
import { alarmsOf, codesOf, dayMs } from './alarms-of.js';

const lifeMs = 6 * dayMs;

/** A host with a certificate that was issued now. */
function enrolled(): World {
  const world = smallWorld();
  world.run({
    type: 'token.create',
    id: 't1',
    site: 'zagreb',
    secretHash: 'hash-1',
    endMs: world.nowMs + dayMs,
    uses: 1,
    creator: 'x',
  });
  const certificate = { serial: 's1', issuedMs: world.nowMs, endMs: world.nowMs + lifeMs };
  const enrolment = { token: 't1', secretHash: 'hash-1', keyHash: 'key-1', certificate, chainPem: 'chain' };
  world.run({ type: 'host.join', id: 'a', site: 'zagreb', rack: '', machineId: 'machine-of-a', enrolment });
  world.hello('a');
  return world;
}

test('a certificate of a host that was not renewed, and one that has ended', async (t) => {
  const world = enrolled();
  const issuedMs = world.nowMs;
  const at = (ms: number) => {
    world.nowMs = ms;
    return alarmsOf(world).map(({ code, severity, sinceMs }) => [code, severity, sinceMs]);
  };
  const dueMs = issuedMs + 5 * dayMs;
  t.same(at(dueMs - 1), []);
  t.same(at(dueMs), [['HOST_CERTIFICATE_ENDING', 'warning', dueMs]]);
  t.same(at(issuedMs + lifeMs - 1), [['HOST_CERTIFICATE_ENDING', 'warning', dueMs]]);
  t.same(at(issuedMs + lifeMs), [['HOST_CERTIFICATE_ENDED', 'critical', issuedMs + lifeMs]]);
  t.same(at(issuedMs + 9 * lifeMs), [['HOST_CERTIFICATE_ENDED', 'critical', issuedMs + lifeMs]]);
});

test('a renewed certificate is no alarm', async (t) => {
  const world = enrolled();
  world.nowMs += 4 * dayMs;
  const certificate = { serial: 's2', issuedMs: world.nowMs, endMs: world.nowMs + lifeMs };
  const shown = { serial: 's1', endMs: world.nowMs + 3 * dayMs };
  world.run({ type: 'host.renew', id: 'a', shown, keyHash: 'key-1', certificate });
  world.nowMs += 4 * dayMs;
  t.same(codesOf(world), []);
});

test('a revoked host is one alarm, since it was revoked', async (t) => {
  const world = enrolled();
  world.nowMs += dayMs;
  const sinceMs = world.nowMs;
  world.run({ type: 'host.revoke', id: 'a', reason: 'stolen' });
  world.nowMs += 2 * lifeMs;
  world.run({ type: 'host.cordon', id: 'a', cordoned: true });
  const told = alarmsOf(world).filter(({ code }) => !code.startsWith('HOST_SUSPECT'));
  t.match(told, [{ code: 'HOST_REVOKED', severity: 'warning', sinceMs }]);
  t.equal(told.length, 1);
});

const own: { of: OwnCertificate['of']; lifeDays: number; leftDays: number; told: unknown[] }[] = [
  { of: 'scheduler', lifeDays: 30, leftDays: 5.5, told: [] },
  { of: 'scheduler', lifeDays: 30, leftDays: 5, told: [['SCHEDULER_CERTIFICATE_ENDING', 'critical', 5]] },
  { of: 'scheduler', lifeDays: 30, leftDays: 1, told: [['SCHEDULER_CERTIFICATE_ENDING', 'critical', 5]] },
  { of: 'authority', lifeDays: 3650, leftDays: 181, told: [] },
  { of: 'authority', lifeDays: 3650, leftDays: 100, told: [['AUTHORITY_ENDING', 'warning', 180]] },
  { of: 'authority', lifeDays: 3650, leftDays: 30, told: [['AUTHORITY_ENDING', 'critical', 180]] },
  { of: 'authority', lifeDays: 90, leftDays: 60, told: [] },
  { of: 'authority', lifeDays: 90, leftDays: 29, told: [['AUTHORITY_ENDING', 'warning', 30]] },
  { of: 'authority', lifeDays: 90, leftDays: 15, told: [['AUTHORITY_ENDING', 'critical', 30]] },
];

for (const { of, lifeDays, leftDays, told } of own) {
  test(`the ${of}'s certificate of ${lifeDays} days, ${leftDays} before its end`, async (t) => {
    const world = smallWorld();
    const endMs = world.nowMs + leftDays * dayMs;
    const certificates = [{ of, endMs, issuedMs: endMs - lifeDays * dayMs }];
    const alarms = alarmsOf(world, { role: 'auditor' }, certificates);
    t.same(
      alarms.map(({ code, severity, sinceMs }) => [code, severity, (endMs - sinceMs) / dayMs]),
      told,
    );
    t.same(alarmsOf(world, { role: 'partner_operator', partner: 'p' }, certificates), []);
  });
}
