/** Every method as every role, about what is its own, what is another's and what does not exist; and as nobody. */
import type { ServiceDefinition } from '@grpc/grpc-js';
import { test } from 'tap';
import { v1 } from '../../../../proto/index.js';
import { authorize } from '../../../../scheduler/api/authorization.js';
import { namesIn } from '../../../../scheduler/api/request-names.js';
import { type Caller, insecureCaller } from '../../../../scheduler/core/access/caller.js';
import {
  permissions,
  type RoleOfTable,
  rolesOfTable,
} from '../../../../scheduler/core/access/permissions.js';
import type { RefusalKind } from '../../../../scheduler/core/refusal.js';
import { roleNames } from '../../../../scheduler/render/identity.js';
import { World } from '../../core/world.js';
import { delegateCaller, hostCaller, identityCaller, nobodyCaller, settle } from './callers.js';
import { decoded, type Kind, requests, type Things } from './requests.js';

const world = new World();
settle(world);
const { state } = world;
const certificates = [{ serial: 'zg-1-1', issuedMs: world.nowMs, endMs: world.nowMs + 1e9 }];
Object.assign(state.hosts.get('zg-1') as object, { certificates });

const operationOf = (vm: string) => {
  const [administration = '', id = ''] = vm.split('/');
  return state.vmByName(administration, id)?.operation ?? '';
};

const contract = Object.values(v1)
  .filter((member) => 'service' in member)
  .flatMap((member) => Object.values(member.service as ServiceDefinition).map(({ path }) => path));
const short = (path: string) => path.replace('/secovia.v1.', '');

test('the table, the names of requests and this test know every method of the contract', async (t) => {
  t.ok(contract.length > 90, `${contract.length} methods`);
  t.same([...permissions.keys()].sort(), [...contract].sort());
  t.same(
    contract.filter((path) => namesIn(path, {}) === null),
    [],
  );
  t.same(Object.keys(requests).sort(), contract.map(short).sort());
});

test('a method that nobody has thought about is refused', async (t) => {
  const refusal = authorize(
    state,
    identityCaller(state, 'root'),
    '/secovia.v1.VmService/New',
    {},
    world.nowMs,
  );
  t.match(refusal, { kind: 'denied', reason: 'ROLE_MAY_NOT' });
});

/** What nobody has. */
const absent: Things = {
  site: 'none',
  host: 'none',
  administration: 'none',
  partner: 'none',
  pool: 'none',
  token: 'none',
  agreement: 'none',
  loan: 'none',
  rule: 'none',
  identity: 'none',
  vm: 'none/none',
  operation: 'none',
  image: 'none',
  dataClass: 'none',
};

const everybodys = { image: 'tiny', dataClass: 'personal' };

const north: Things = {
  site: 'zagreb',
  host: 'zg-1',
  administration: 'hr-city',
  partner: 'north',
  pool: 'zg-pool',
  token: 't-north',
  agreement: 'north-mk',
  loan: 'inner',
  rule: 'for-hr',
  identity: 'north-op-2',
  vm: 'hr-city/web',
  operation: operationOf('hr-city/web'),
  ...everybodys,
};

const east: Things = {
  site: 'beograd',
  host: 'bg-1',
  administration: 'rs-city',
  partner: 'east',
  pool: 'sk-pool',
  token: 't-south',
  agreement: 'east-south',
  loan: 'away',
  rule: 'for-rs',
  identity: 'south-op',
  vm: 'rs-city/web',
  operation: operationOf('rs-city/web'),
  ...everybodys,
};

const city: Things = { ...north, identity: 'city-user', agreement: 'south-north', partner: 'north' };
const mk: Things = {
  ...north,
  host: 'sk-1',
  administration: 'mk-city',
  loan: 'mk-inner',
  rule: 'for-mk',
  identity: 'mk-user',
  vm: 'mk-city/web',
  operation: operationOf('mk-city/web'),
};

const notOfMk: Things = { ...east, agreement: 'south-north', loan: 'inner' };

interface Walker {
  name: string;
  role: RoleOfTable;
  caller: Caller;
  own: Things;
  others: Things;
}

const walkers: Walker[] = [
  walker('federation_administrator', identityCaller(state, 'root'), north, east),
  walker('auditor', identityCaller(state, 'auditor'), { ...north, identity: 'auditor' }, east),
  walker('partner_operator', identityCaller(state, 'north-op'), north, east),
  walker('administration_administrator', identityCaller(state, 'hr-admin'), city, east),
  walker('administration_user', identityCaller(state, 'hr-user'), { ...city, identity: 'hr-user' }, east),
  {
    ...walker(
      'administration_administrator',
      delegateCaller(state, 'mk', 'administration_administrator'),
      mk,
      notOfMk,
    ),
    name: 'a portal for an administrator',
  },
  {
    ...walker('administration_user', delegateCaller(state, 'mk', 'administration_user'), mk, notOfMk),
    name: 'a portal for a user',
  },
  walker('portal', identityCaller(state, 'portal'), { ...north, identity: 'portal' }, east),
  walker('host', hostCaller(state, 'zg-1'), north, east),
  walker('nobody', nobodyCaller(), north, east),
];

function walker(role: RoleOfTable, caller: Caller, own: Things, others: Things): Walker {
  return { name: role, role, caller, own, others };
}

/** What everybody sees of others; pools only who has VMs. */
function isInSight(kind: Kind, role: RoleOfTable): boolean {
  if (['site', 'partner', 'image', 'dataClass'].includes(kind)) return true;
  if (kind === 'pool') return role.startsWith('administration');
  return false;
}

const isReading = (method: string) =>
  /\/(Get|List|Watch|Wait|Explain|Estimate|Report|Settle|Verify)/.test(method);

/** Of the table's word and of what is asked about, worked out without looking at how it is done. */
function expected(
  path: string,
  { role, caller }: Walker,
  about: Kind,
  whose: 'own' | 'others' | 'absent',
): RefusalKind | 'let in' {
  const method = short(path);
  const right = permissions.get(path)?.[role] ?? '-';
  if (right === '-') return role === 'nobody' ? 'unauthenticated' : 'denied';
  // A portal acts for a user who has no identity of its own.
  if (caller.subject.kind === 'delegate' && role === 'administration_user' && about === 'identity')
    return 'not_found';
  // What outlives the portal's word.
  if (caller.subject.kind === 'delegate' && method.startsWith('IdentityService/') && !isReading(method)) {
    if (whose === 'own') return 'denied';
  }
  // The operation of this test is an order of the VM's owner.
  if (method === 'OperationService/CancelOperation' && role === 'partner_operator' && whose === 'own')
    return 'denied';
  if (right === 'all' || about === 'none' || whose === 'own') return 'let in';
  if (role === 'auditor') return whose === 'absent' ? 'not_found' : 'denied';
  // Partners are made with their first site, so even one that does not exist is another's.
  if (method === 'SiteService/CreateSite') return 'denied';
  const kind = method === 'IdentityService/CreateIdentity' && role === 'partner_operator' ? 'partner' : about;
  if (whose === 'absent' || !isInSight(kind, role)) return 'not_found';
  // An export is the partner's own.
  const isRead = isReading(method) && right === 'sees';
  return isRead ? 'let in' : 'denied';
}

for (const each of walkers) {
  test(`${each.name}: every method about its own, about what is another's, about what is not there`, async (t) => {
    for (const path of contract) {
      const { about, message } = requests[short(path)] as (typeof requests)[string];
      for (const whose of ['own', 'others', 'absent'] as const) {
        const things = whose === 'absent' ? absent : each[whose];
        const request = decoded(short(path), message(things, each.role));
        const refusal = authorize(state, each.caller, path, request, world.nowMs);
        t.equal(
          refusal?.kind ?? 'let in',
          expected(path, each, about, whose),
          `${short(path)} ${whose}: ${refusal?.message}`,
        );
      }
    }
  });
}

test('whoever calls without TLS may do everything', async (t) => {
  for (const path of contract) {
    const request = decoded(short(path), requests[short(path)]?.message(absent, 'nobody') ?? {});
    t.equal(authorize(state, insecureCaller, path, request, world.nowMs), null, path);
  }
});

test('a role that never may is told which roles may', async (t) => {
  const refusal = authorize(
    state,
    identityCaller(state, 'north-op'),
    '/secovia.v1.VmService/CreateVm',
    decoded('VmService/CreateVm', {}),
    world.nowMs,
  );
  t.match(refusal, {
    kind: 'denied',
    message:
      "a partner's operator may not call VmService/CreateVm; federation administrators, administrators of the administration " +
      'that it concerns and users of the administration that it concerns may',
    metadata: { allowed_roles: 'federation_administrator,administration_administrator,administration_user' },
  });
});

test('every role of the contract has a column', async (t) => {
  t.same(
    Object.keys(roleNames).filter((role) => !rolesOfTable.includes(role as RoleOfTable)),
    [],
  );
});

test('what an administration is given it does not change itself', async (t) => {
  const own: Things = { ...north, administration: 'hr', loan: 'cross' };
  const admin = identityCaller(state, 'hr-admin');
  for (const method of [
    'QuotaService/SetQuota',
    'QuotaService/DeleteQuota',
    'QuotaService/CreateLoan',
    'QuotaService/RecallLoan',
    'AdministrationService/UpdateAdministration',
    'AdministrationService/SuspendAdministration',
    'AdministrationService/ResumeAdministration',
    'AdministrationService/DeleteAdministration',
  ]) {
    const { message } = requests[method] as (typeof requests)[string];
    const request = decoded(method, message(own, 'administration_administrator'));
    const refusal = authorize(state, admin, `/secovia.v1.${method}`, request, world.nowMs);
    t.match(
      refusal,
      { kind: 'denied', reason: 'NOT_YOURS', message: /administrators of an administration above/ },
      method,
    );
  }
});
