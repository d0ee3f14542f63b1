import fc from 'fast-check';
import { test } from 'tap';
import type { Role } from '../../../../scheduler/core/access/model.js';
import type { CommandOf } from '../../../../scheduler/core/commands.js';
import { replay } from '../journal.js';
import { entitiesOf } from '../portrait.js';
import { smallWorld, type World } from '../world.js';
import { certify, dayMs } from '../../api/access/callers.js';

function newIdentity(
  id: string,
  change: Partial<CommandOf<'identity.create'>> = {},
): CommandOf<'identity.create'> {
  const nobodys = { partner: null, administration: null, serves: [] };
  return { type: 'identity.create', id, title: '', role: 'federation_administrator', ...nobodys, ...change };
}

test('an identity is made once, of what exists', async (t) => {
  const world = smallWorld();
  t.match(world.run(newIdentity('root', { title: 'Root' })), {
    id: 'root',
    title: 'Root',
    revision: 1,
    disabled: false,
  });
  t.match(world.refused(newIdentity('root')), { reason: 'IDENTITY_EXISTS' });
  const operator = newIdentity('op', { role: 'partner_operator', partner: 'none' });
  t.match(world.refused(operator), { reason: 'PARTNER_NOT_FOUND' });
  const admin = newIdentity('adm', { role: 'administration_administrator', administration: 'none' });
  t.match(world.refused(admin), { reason: 'ADMINISTRATION_NOT_FOUND' });
  t.match(world.refused(newIdentity('web', { role: 'portal', serves: ['adm', 'none'] })), {
    reason: 'ADMINISTRATION_NOT_FOUND',
  });
});

test('an update changes what is said, at the version that was seen', async (t) => {
  const world = smallWorld();
  world.run(newIdentity('web', { role: 'portal', serves: ['adm'] }));
  const update = { type: 'identity.update', id: 'web', etag: '' } as const;
  t.match(world.run({ ...update, title: 'Web' }), { title: 'Web', serves: ['adm'], revision: 2 });
  t.match(world.refused({ ...update, title: 'x', etag: '"1"' }), { reason: 'ETAG_MISMATCH' });
  t.match(world.refused({ ...update, serves: ['none'] }), { reason: 'ADMINISTRATION_NOT_FOUND' });
  t.match(world.refused({ ...update, serves: [] }), { reason: 'WRONG_SERVES' });
  t.match(world.refused({ ...update, id: 'none' }), { reason: 'IDENTITY_NOT_FOUND' });
  world.run(newIdentity('root'));
  t.match(world.refused({ ...update, id: 'root', serves: ['adm'] }), { reason: 'WRONG_SERVES' });
});

test('certificates are kept while they may matter, and revoked by their serials or all', async (t) => {
  const world = smallWorld();
  world.run(newIdentity('a', { role: 'auditor' }));
  for (let index = 1; index <= 20; index += 1) certify(world, 'a', `s${index}`, 10 * dayMs);
  const serials = () =>
    world.state.access.identities.get('a')?.certificates.map(({ serial }) => serial) ?? [];
  t.equal(serials().length, 16);
  t.equal(serials().at(-1), 's20');
  t.match(world.refused({ type: 'identity.revoke', id: 'a', serials: ['s1'] }), {
    reason: 'CERTIFICATE_NOT_FOUND',
  });
  const revoked = world.run({ type: 'identity.revoke', id: 'a', serials: ['s20'] });
  t.same(
    revoked.certificates.filter(({ revokedMs }) => revokedMs !== undefined).map(({ serial }) => serial),
    ['s20'],
  );
  const all = world.run({ type: 'identity.revoke', id: 'a', serials: [] });
  t.ok(all.certificates.every(({ revokedMs }) => revokedMs !== undefined));
  world.nowMs += 41 * dayMs;
  certify(world, 'a', 'later', dayMs);
  t.same(serials(), ['later']);
});

test('the last federation administrator with a good certificate stays', async (t) => {
  const world = smallWorld();
  world.run(newIdentity('root'));
  certify(world, 'root');
  const ways = (id: string) =>
    [
      { type: 'identity.update', id, disabled: true, etag: '' },
      { type: 'identity.delete', id, etag: '' },
      { type: 'identity.revoke', id, serials: [] as string[] },
    ] as const;
  for (const way of ways('root')) t.match(world.refused(way), { reason: 'LAST_ADMINISTRATOR' }, way.type);
  world.run(newIdentity('second'));
  for (const way of ways('root'))
    t.match(world.refused(way), { reason: 'LAST_ADMINISTRATOR' }, 'one without a certificate is none');
  certify(world, 'second');
  world.run({ type: 'identity.delete', id: 'root', etag: '' });
  for (const way of ways('second')) t.match(world.refused(way), { reason: 'LAST_ADMINISTRATOR' });
  world.nowMs += 366 * dayMs;
  world.run({ type: 'identity.delete', id: 'second', etag: '' });
  t.pass('one whose certificates have ended is none that could be lost');
});

test('what identities name is not deleted', async (t) => {
  const world = smallWorld();
  world.run({ type: 'partner.create', id: 'q', title: '', country: 'MK', administrations: [], open: false });
  world.administration('other');
  world.run(newIdentity('op', { role: 'partner_operator', partner: 'q' }));
  world.run(newIdentity('who', { role: 'administration_user', administration: 'adm' }));
  world.run(newIdentity('web', { role: 'portal', serves: ['other'] }));
  const partner = { type: 'partner.delete', id: 'q', etag: '' } as const;
  t.match(world.refused(partner), {
    kind: 'precondition',
    reason: 'PARTNER_IN_USE',
    message: 'partner "q" cannot be deleted: identity "op" is its operator; change that first',
  });
  const administration = { type: 'administration.delete', id: 'adm', etag: '' } as const;
  t.match(world.refused(administration), {
    reason: 'ADMINISTRATION_IN_USE',
    message: /identity "who" is its user/,
  });
  t.match(world.refused({ ...administration, id: 'other' }), { message: /portal "web" serves it/ });
  for (const id of ['op', 'who', 'web']) world.run({ type: 'identity.delete', id, etag: '' });
  world.run(partner);
  world.run(administration);
  world.run({ ...administration, id: 'other' });
  t.equal(world.state.tenancy.partners.has('q'), false);
});

type Step =
  | { kind: 'create'; id: number; role: number }
  | { kind: 'certify'; id: number; days: number }
  | { kind: 'disable' | 'enable' | 'delete' | 'revoke'; id: number };

const id = fc.nat({ max: 3 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('create' as const), id, role: fc.nat({ max: 5 }) }),
  fc.record({ kind: fc.constant('certify' as const), id, days: fc.integer({ min: 1, max: 300 }) }),
  fc.record({ kind: fc.constantFrom('disable', 'enable', 'delete', 'revoke'), id }),
);

const roles: Partial<CommandOf<'identity.create'>>[] = [
  { role: 'federation_administrator' },
  { role: 'federation_administrator' },
  { role: 'auditor' },
  { role: 'partner_operator', partner: 'p' },
  { role: 'administration_user', administration: 'adm' },
  { role: 'portal', serves: ['adm'] },
];

function act(world: World, step: Step): void {
  const id = `i${step.id}`;
  switch (step.kind) {
    case 'create':
      world.try(newIdentity(id, roles[step.role]));
      return;
    case 'certify': {
      const serial = `s${world.state.sequence}`;
      const certificate = { serial, issuedMs: world.nowMs, endMs: world.nowMs + step.days * dayMs };
      world.try({ type: 'identity.certify', id, certificate });
      return;
    }
    case 'disable':
    case 'enable':
      world.try({ type: 'identity.update', id, disabled: step.kind === 'disable', etag: '' });
      return;
    case 'delete':
      world.try({ type: 'identity.delete', id, etag: '' });
      return;
    case 'revoke':
      world.try({ type: 'identity.revoke', id, serials: [] });
  }
}

function administrators(world: World): number {
  return [...world.state.access.identities.values()].filter(
    ({ role, disabled, certificates }) =>
      (role as Role) === 'federation_administrator' &&
      !disabled &&
      certificates.some(({ endMs, revokedMs }) => revokedMs === undefined && endMs > world.nowMs),
  ).length;
}

test('over any history there stays somebody who may do everything, once there was, until time takes the certificate; and the journal says so', async (t) => {
  let kept = 0;
  fc.assert(
    fc.property(fc.array(fc.tuple(step, fc.nat({ max: 3 })), { maxLength: 60 }), (steps) => {
      const world = smallWorld();
      for (const [one, days] of steps) {
        world.nowMs += days * dayMs;
        const before = administrators(world);
        act(world, one);
        if (before > 0 && administrators(world) === 0) return false;
        if (before === 1) kept += 1;
      }
      return JSON.stringify(entitiesOf(replay(world.journal))) === JSON.stringify(entitiesOf(world.state));
    }),
    { numRuns: 300 },
  );
  t.ok(kept > 20, `${kept} times there was one left`);
});
