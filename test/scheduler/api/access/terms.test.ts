/** Conditions that even what is one's own has: what binds others takes a federation administrator. */
import { status } from '@grpc/grpc-js';
import tap, { test } from 'tap';
import type { MethodName } from '../client.js';
import { dayMs, delegateCaller, identityCaller, settle } from './callers.js';
import { serve } from './server.js';

const { world, as } = await serve(tap, settle);
const { state } = world;
const of = (id: string) => as(identityCaller(state, id));
const north = of('north-op');
const admin = of('hr-admin');
const denied = { code: status.PERMISSION_DENIED };
const soon = (days: number) => ({ seconds: Math.floor((world.nowMs + days * dayMs) / 1000), nanos: 0 });

test('an operator adds sites in its own country, and says nothing of jurisdictions', async (t) => {
  const site = { partner: 'north', country: 'HR' };
  t.match(await north.call('CreateSite', { siteId: 'split', site }), { site: { partner: 'north' } });
  for (const [what, change] of [
    ['elsewhere', { country: 'DE' }],
    ['with jurisdictions', { jurisdictions: ['EU'] }],
    ['of another', { partner: 'south', country: 'MK' }],
    ['of nobody yet', { partner: 'new' }],
  ] as const) {
    const failure = await north.fails('CreateSite', { siteId: 'x', site: { ...site, ...change } as object });
    t.match(failure, denied, what);
  }
  t.equal(state.tenancy.partners.has('new'), false);
  const name = 'sites/split';
  t.match(await north.call('UpdateSite', { site: { name, title: 'Split', priceTier: 3 } }), {
    site: { priceTier: 3 },
  });
  t.match(await north.fails('UpdateSite', { site: { name, jurisdictions: ['EU'] } }), denied);
  const all = { site: { name }, updateMask: { paths: ['*'] } };
  t.match(await north.fails('UpdateSite', all), denied, 'nor takes it away');
  t.match(await of('root').call('UpdateSite', { site: { name, jurisdictions: ['EU'] } }), {
    site: { jurisdictions: ['EU'] },
  });
});

test('an operator names its partner, and does not say which administrations are its own', async (t) => {
  const name = 'partners/north';
  t.match(await north.call('UpdatePartner', { partner: { name, title: 'North' } }), {
    partner: { title: 'North' },
  });
  for (const request of [
    { partner: { name, administrations: ['administrations/mk'] } },
    { partner: { name }, updateMask: { paths: ['administrations'] } },
    { partner: { name }, updateMask: { paths: ['*'] } },
  ])
    t.match(await north.fails('UpdatePartner', request), denied);
});

test('an operator gives more under an agreement at any time, and takes nothing away alone', async (t) => {
  const free = { partner: 'partners/north', beneficiaryPartner: 'partners/east' };
  t.match(await north.call('CreateAgreement', { agreementId: 'gift', agreement: free }), {
    agreement: { partner: 'partners/north' },
  });
  const price = { currency: 'EUR', vcpuMicros: 1 };
  const dear = { agreementId: 'dear', agreement: { ...free, price } };
  t.match(await north.fails('CreateAgreement', dear), { ...denied, reason: 'NEEDS_BOTH_SIDES' });
  const name = 'agreements/north-mk';
  const before = {
    currency: 'EUR',
    vcpuMicros: 10,
    memoryGibMicros: 10,
    diskGibMicros: 1,
    stoppedPercent: 50,
  };
  const update = (change: object) => ({ agreement: { name, ...change } });
  for (const [what, change] of [
    ['cheaper', { price: { ...before, vcpuMicros: 5 } }],
    ['a larger limit', { limit: { vcpus: 60 } }],
    ['a smaller limit', { limit: { vcpus: 55 } }],
    ['longer notice', { noticeDays: 60 }],
    ['a later end', { validUntil: soon(400) }],
  ] as const)
    t.ok(await north.call('UpdateAgreement', update(change)), what);
  for (const [what, change] of [
    ['dearer', { price: before }],
    ['dearer while stopped', { price: { ...before, vcpuMicros: 5, stoppedPercent: 60 } }],
    ['another currency', { price: { ...before, vcpuMicros: 5, currency: 'MKD' } }],
    ['shorter notice', { noticeDays: 59 }],
    ['an earlier end', { validUntil: soon(300) }],
  ] as const)
    t.match(
      await north.fails('UpdateAgreement', update(change)),
      { ...denied, reason: 'NEEDS_BOTH_SIDES' },
      what,
    );
  const endless = { agreement: { name }, updateMask: { paths: ['valid_until'] } };
  t.ok(await north.call('UpdateAgreement', endless), 'without an end');
});

test('either side recalls an agreement, and only the provider changes it', async (t) => {
  const name = 'agreements/south-north';
  t.match(await north.fails('UpdateAgreement', { agreement: { name, title: 'x' } }), {
    ...denied,
    reason: 'NOT_YOURS',
  });
  t.match(await north.fails('DeleteAgreement', { name }), denied);
  t.match(await admin.fails('RecallAgreement', { name }), { ...denied, reason: 'ROLE_MAY_NOT' });
  t.match(await north.call('RecallAgreement', { name }), { agreement: { recalled: true } });
});

test('an administrator adds administrations below its own, in the country of their parent', async (t) => {
  const create = (change: object) => ({
    administrationId: 'hr-new',
    administration: { parent: 'administrations/hr-city', country: 'HR', ...change },
  });
  for (const [what, change] of [
    ['of another country, whose partner would serve it for nothing', { country: 'MK' }],
    ['a root', { parent: '' }],
  ] as const)
    t.match(await admin.fails('CreateAdministration', create(change)), denied, what);
  t.match(await admin.call('CreateAdministration', create({})), { administration: { country: 'HR' } });
  t.match(await admin.fails('MoveAdministration', { name: 'administrations/hr-new' }), denied);
  t.ok(await admin.call('SuspendAdministration', { name: 'administrations/hr-new' }));
  t.ok(await admin.call('DeleteAdministration', { name: 'administrations/hr-new' }));
});

test('loans are made between administrations of the subtree', async (t) => {
  const loan = (lender: string, borrower: string) => ({
    loanId: `${lender}-${borrower}`,
    loan: {
      lender: `administrations/${lender}`,
      borrower: `administrations/${borrower}`,
      amount: { vcpus: 1 },
      expireTime: soon(10),
    },
  });
  t.ok(await admin.call('CreateLoan', loan('hr', 'hr-city')), 'of its own to one below');
  t.match(await admin.fails('CreateLoan', loan('hr-city', 'hr')), denied, 'not to itself');
  t.match(await admin.fails('CreateLoan', loan('hr-city', 'mk')), { code: status.NOT_FOUND });
  t.match(await admin.fails('CreateLoan', loan('mk', 'hr-city')), { code: status.NOT_FOUND });
  t.match(
    await admin.fails('RecallLoan', { name: 'loans/cross' }),
    denied,
    'it sees the loan that reaches beyond',
  );
  t.ok(await admin.call('RecallLoan', { name: 'loans/hr-hr-city' }));
});

test('who may let in whom', async (t) => {
  const attempts: [string, object, boolean][] = [
    ['north-op', { role: 'ROLE_PARTNER_OPERATOR', partner: 'partners/north' }, true],
    ['north-op', { role: 'ROLE_PARTNER_OPERATOR', partner: 'partners/south' }, false],
    ['north-op', { role: 'ROLE_FEDERATION_ADMINISTRATOR' }, false],
    ['north-op', { role: 'ROLE_AUDITOR' }, false],
    ['north-op', { role: 'ROLE_ADMINISTRATION_USER', administration: 'administrations/hr' }, false],
    ['hr-admin', { role: 'ROLE_ADMINISTRATION_ADMINISTRATOR', administration: 'administrations/hr' }, true],
    ['hr-admin', { role: 'ROLE_ADMINISTRATION_USER', administration: 'administrations/hr-block' }, true],
    ['hr-admin', { role: 'ROLE_ADMINISTRATION_USER', administration: 'administrations/mk' }, false],
    ['hr-admin', { role: 'ROLE_PORTAL', serves: ['administrations/hr'] }, false],
    ['hr-admin', { role: 'ROLE_FEDERATION_ADMINISTRATOR' }, false],
    ['hr-admin', { role: 'ROLE_PARTNER_OPERATOR', partner: 'partners/north' }, false],
    ['hr-user', { role: 'ROLE_ADMINISTRATION_USER', administration: 'administrations/hr' }, false],
    ['auditor', { role: 'ROLE_AUDITOR' }, false],
    ['portal', { role: 'ROLE_AUDITOR' }, false],
    ['root', { role: 'ROLE_PORTAL', serves: ['administrations/hr', 'administrations/mk'] }, true],
  ];
  for (const [index, [who, identity, may]] of attempts.entries()) {
    const request = { identityId: `new-${index}`, identity };
    const outcome = await of(who)
      .call('CreateIdentity', request)
      .then(
        () => true,
        () => false,
      );
    t.equal(outcome, may, `${who}: ${JSON.stringify(identity)}`);
    t.equal(state.access.identities.has(`new-${index}`), may);
  }
});

test('through a portal nobody is let in or kept out', async (t) => {
  const api = as(delegateCaller(state, 'mk', 'administration_administrator'));
  const name = 'identities/mk-user';
  const attempts: [MethodName, object][] = [
    [
      'CreateIdentity',
      {
        identityId: 'x',
        identity: { role: 'ROLE_ADMINISTRATION_USER', administration: 'administrations/mk' },
      },
    ],
    ['UpdateIdentity', { identity: { name, disabled: true } }],
    ['DeleteIdentity', { name }],
    ['IssueCertificate', { name, signingRequest: Buffer.from('key') }],
    ['RevokeCertificates', { name }],
  ];
  for (const [method, request] of attempts)
    t.match(await api.fails(method, request as never), { ...denied, reason: 'NOT_THROUGH_PORTAL' }, method);
  t.match(await api.call('GetIdentity', { name }), { identity: { name } }, 'they can be looked at');
});

test('the form of identities is checked, each fault by its field', async (t) => {
  const root = of('root');
  const faulty = await root.fails('CreateIdentity', {
    identityId: 'Bad Id',
    identity: {
      role: 'ROLE_PARTNER_OPERATOR',
      administration: 'administrations/hr',
      serves: ['x'],
      disabled: true,
    },
  });
  t.equal(faulty.code, status.INVALID_ARGUMENT);
  const fields = faulty.details.fieldViolations?.map(({ field }) => field) ?? [];
  for (const field of [
    'identity_id',
    'identity.partner',
    'identity.administration',
    'identity.serves',
    'identity.disabled',
  ])
    t.ok(fields.includes(field), field);
  for (const [method, request] of [
    ['CreateIdentity', { identityId: 'x', identity: {} }],
    ['CreateIdentity', { identityId: 'x' }],
    ['CreateIdentity', { identityId: 'x', identity: { role: 'ROLE_PORTAL' } }],
    ['ListIdentities', { filter: 'title = x' }],
    ['RevokeCertificates', { name: 'identities/root', serials: ['xyz'] }],
    ['IssueCertificate', { name: 'identities/root', days: 367, signingRequest: Buffer.from('key') }],
    ['IssueCertificate', { name: 'identities/root' }],
    ['GetIdentity', { name: 'root' }],
  ] as const)
    t.match(await root.fails(method, request as never), { code: status.INVALID_ARGUMENT }, method);
  const issue = { name: 'identities/root', signingRequest: Buffer.from('key') };
  t.match(
    await root.fails('IssueCertificate', issue),
    { reason: 'NO_AUTHORITY' },
    'without TLS there is no authority',
  );
});

test('everybody is told who they are', async (t) => {
  for (const [who, caller] of [
    ['root', { role: 'ROLE_FEDERATION_ADMINISTRATOR', uri: 'spiffe://test/admin/root', federation: 'test' }],
    [
      'north-op',
      {
        role: 'ROLE_PARTNER_OPERATOR',
        partner: 'partners/north',
        uri: 'spiffe://test/operator/north/north-op',
      },
    ],
    ['hr-user', { role: 'ROLE_ADMINISTRATION_USER', administration: 'administrations/hr' }],
    ['portal', { role: 'ROLE_PORTAL', serves: ['administrations/mk'] }],
  ] as const)
    t.match(await of(who).call('GetCaller', {}), { ...caller, expireTime: { seconds: /\d+/ } }, who);
  const delegate = await as(delegateCaller(state, 'mk-city', 'administration_user')).call('GetCaller', {});
  t.match(delegate, {
    uri: 'spiffe://test/portal/portal',
    onBehalf: 'https://issuer.test user',
    role: 'ROLE_ADMINISTRATION_USER',
    administration: 'administrations/mk-city',
  });
});
