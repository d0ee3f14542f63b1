import { test } from 'tap';
import type { Caller } from '../../../../scheduler/core/access/caller.js';
import { insecureCaller } from '../../../../scheduler/core/access/caller.js';
import { standingOf } from '../../../../scheduler/core/access/standing.js';
import type { World } from '../world.js';
import { smallWorld } from '../world.js';
import {
  certify,
  dayMs,
  delegateCaller,
  hostCaller,
  identityCaller,
  nobodyCaller,
  settle,
} from '../../api/access/callers.js';
import { World as Fresh } from '../world.js';

function federation(): World {
  const world = new Fresh();
  settle(world);
  return world;
}

const stands = (world: World, caller: Caller) => standingOf(world.state, caller, world.nowMs);
const reason = (world: World, caller: Caller) => {
  const { refusal } = stands(world, caller);
  return refusal === undefined ? 'good' : `${refusal.kind} ${refusal.reason}`;
};

test('an identity stands for what its record says', async (t) => {
  const world = federation();
  for (const [id, standing] of [
    ['root', { role: 'federation_administrator', identity: 'root' }],
    ['auditor', { role: 'auditor', identity: 'auditor' }],
    ['north-op', { role: 'partner_operator', identity: 'north-op', partner: 'north' }],
    ['hr-admin', { role: 'administration_administrator', identity: 'hr-admin', administration: 'hr' }],
    ['city-user', { role: 'administration_user', identity: 'city-user', administration: 'hr-city' }],
    ['portal', { role: 'portal', identity: 'portal' }],
  ] as const)
    t.same(stands(world, identityCaller(world.state, id)), { standing }, id);
  t.same(stands(world, insecureCaller), { standing: { role: 'insecure' } });
  t.same(stands(world, nobodyCaller()), { standing: { role: 'nobody' } });
});

test('what happens to an identity is so with the next call', async (t) => {
  const world = federation();
  const caller = identityCaller(world.state, 'hr-admin');
  t.equal(reason(world, caller), 'good');
  world.run({ type: 'identity.update', id: 'hr-admin', disabled: true, etag: '' });
  t.equal(reason(world, caller), 'unauthenticated IDENTITY_DISABLED');
  world.run({ type: 'identity.update', id: 'hr-admin', disabled: false, etag: '' });
  t.equal(reason(world, caller), 'good');
  certify(world, 'hr-admin', 'hr-admin-2');
  world.run({ type: 'identity.revoke', id: 'hr-admin', serials: ['hr-admin-1'] });
  t.equal(reason(world, caller), 'unauthenticated CERTIFICATE_REVOKED');
  t.equal(reason(world, identityCaller(world.state, 'hr-admin', 'hr-admin-2')), 'good');
  world.run({ type: 'identity.delete', id: 'hr-admin', etag: '' });
  t.equal(reason(world, caller), 'unauthenticated IDENTITY_UNKNOWN');
});

test('a certificate is good until it ends, and only when it is in the record', async (t) => {
  const world = federation();
  const caller = identityCaller(world.state, 'auditor');
  t.equal(
    reason(world, { ...caller, subject: { kind: 'identity', id: 'auditor', serial: 'forged' } }),
    'unauthenticated CERTIFICATE_UNKNOWN',
  );
  world.nowMs += 365 * dayMs - 1;
  t.equal(reason(world, caller), 'good');
  world.nowMs += 1;
  t.equal(reason(world, caller), 'unauthenticated CERTIFICATE_EXPIRED');
});

test('a certificate of somebody who had the id before is nobody’s', async (t) => {
  const world = federation();
  const caller = identityCaller(world.state, 'north-op');
  world.run({ type: 'identity.delete', id: 'north-op', etag: '' });
  world.run({
    type: 'identity.create',
    id: 'north-op',
    title: '',
    role: 'federation_administrator',
    partner: null,
    administration: null,
    serves: [],
  });
  certify(world, 'north-op');
  t.equal(reason(world, caller), 'unauthenticated IDENTITY_UNKNOWN', 'though the serial is the same');
  t.equal(
    reason(world, { ...caller, identity: 'spiffe://other/admin/north-op' }),
    'unauthenticated IDENTITY_UNKNOWN',
    'nor is one of another federation',
  );
});

test('a portal acts where it serves, and while it is good itself', async (t) => {
  const world = federation();
  const { state } = world;
  const below = delegateCaller(state, 'mk-city', 'administration_user');
  t.same(stands(world, below), {
    standing: { role: 'administration_user', administration: 'mk-city', delegated: true },
  });
  t.equal(reason(world, delegateCaller(state, 'mk', 'administration_administrator')), 'good');
  t.equal(reason(world, delegateCaller(state, 'hr', 'administration_user')), 'denied NOT_SERVED');
  t.equal(reason(world, delegateCaller(state, 'none', 'administration_user')), 'denied NOT_SERVED');
  world.run({ type: 'administration.move', id: 'mk-city', parent: 'rs', etag: '' });
  t.equal(reason(world, below), 'denied NOT_SERVED');
  world.run({ type: 'administration.move', id: 'mk-city', parent: 'mk', etag: '' });
  world.run({ type: 'identity.update', id: 'portal', disabled: true, etag: '' });
  t.equal(reason(world, below), 'unauthenticated IDENTITY_DISABLED');
  const { identity } = identityCaller(state, 'hr-admin');
  const subject = { kind: 'delegate', portal: 'hr-admin', serial: 'hr-admin-1' } as const;
  const impostor = { ...subject, administration: 'hr', role: 'administration_administrator' } as const;
  t.equal(
    reason(world, { identity, onBehalf: 'x', subject: impostor, certificateEndMs: 0 }),
    'denied NOT_SERVED',
    'who is no portal acts for nobody',
  );
});

test('a host is a host while it is not retired, revoked or late', async (t) => {
  const world = smallWorld('a');
  const caller = hostCaller(world.state, 'a');
  t.equal(
    reason(world, caller),
    'unauthenticated CERTIFICATE_REFUSED',
    'without a certificate in its record',
  );
  const certificate = { serial: 'a-1', issuedMs: world.nowMs, endMs: world.nowMs + 7 * dayMs };
  const certificates = [{ ...certificate, keyHash: 'key' }];
  Object.assign(world.state.hosts.get('a') as object, { certificates });
  t.same(stands(world, caller), { standing: { role: 'host', host: 'a' } });
  world.nowMs += 8 * dayMs;
  t.same(stands(world, caller), { standing: { role: 'host', host: 'a', renewsOnly: true } });
  world.nowMs += 30 * dayMs;
  t.equal(reason(world, caller), 'unauthenticated CERTIFICATE_REFUSED');
  world.nowMs -= 38 * dayMs;
  t.equal(
    reason(world, { ...caller, identity: 'spiffe://other/host/a' }),
    'unauthenticated IDENTITY_UNKNOWN',
  );
  world.run({ type: 'host.revoke', id: 'a', reason: '' });
  t.equal(reason(world, caller), 'unauthenticated HOST_REVOKED');
});
