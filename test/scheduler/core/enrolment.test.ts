import { test } from 'tap';
import {
  isProven,
  isRenewable,
  renewableMs,
  type Shown,
} from '../../../scheduler/core/access/certificates.js';
import { tokensPerSite } from '../../../scheduler/core/access/decide-token.js';
import { certificateRefusal } from '../../../scheduler/core/decide-enrolment.js';
import type { Certificate } from '../../../scheduler/core/access/model.js';
import type { CommandOf, Enrolment } from '../../../scheduler/core/commands.js';
import type { Host } from '../../../scheduler/core/model.js';
import { smallWorld, type World } from './world.js';

const hour = 3600_000;
const week = 7 * 24 * hour;

function token(world: World, change: Partial<CommandOf<'token.create'>> = {}) {
  return world.run({
    type: 'token.create',
    id: 't1',
    site: 'zagreb',
    secretHash: 'hash-1',
    endMs: world.nowMs + hour,
    uses: 1,
    creator: 'spiffe://test/admin/root',
    ...change,
  });
}

let serials = 0;

interface Change extends Partial<Omit<CommandOf<'host.join'>, 'enrolment' | 'type'>> {
  enrolment?: Partial<Enrolment>;
}

function joinOf(world: World, { enrolment, ...change }: Change = {}): CommandOf<'host.join'> {
  const serial = `s${++serials}`;
  return {
    type: 'host.join',
    id: 'a',
    site: 'zagreb',
    rack: '',
    machineId: 'machine-of-a',
    enrolment: {
      token: 't1',
      secretHash: 'hash-1',
      keyHash: 'key-1',
      certificate: { serial, issuedMs: world.nowMs, endMs: world.nowMs + week },
      chainPem: `chain of ${serial}`,
      ...enrolment,
    },
    ...change,
  };
}

const enrolled = (world: World, change: Change = {}): Host => world.run(joinOf(world, change));
/** What a host shows that has the certificate at this place of its list. */
function shownBy({ certificates = [] }: Host, at = -1): Shown {
  const { serial, endMs, keyHash } = certificates.at(at) as Certificate;
  return { serial, endMs, keyHash };
}

function renewOf(world: World, host: Host, change: Partial<CommandOf<'host.renew'>> = {}) {
  const certificate = { serial: `s${++serials}`, issuedMs: world.nowMs, endMs: world.nowMs + week };
  return {
    type: 'host.renew' as const,
    id: host.id,
    shown: shownBy(host),
    keyHash: 'key-1',
    certificate,
    ...change,
  };
}

test('a host joins with a token, which is used up by that', async (t) => {
  const world = smallWorld();
  token(world);
  const host = enrolled(world);
  t.match(host, { state: 'joined', keyHash: 'key-1', enrolled: { chainPem: /^chain of s/ } });
  t.match(host.certificates, [{ keyHash: 'key-1', endMs: world.nowMs + week }]);
  t.match(world.state.access.tokens.get('t1'), { usesLeft: 0, used: [{ host: 'a', keyHash: 'key-1' }] });
  t.match(
    world.changes.map(({ type }) => type),
    ['host.joined', 'token.used'],
    'in one decision',
  );
});

test('the same host with the same key gets the answer again that it had, and uses nothing up', async (t) => {
  const world = smallWorld();
  token(world, { uses: 2 });
  const { chainPem } = enrolled(world).enrolled ?? {};
  const { sequence } = world.state;
  const again = enrolled(world);
  t.equal(again.enrolled?.chainPem, chainPem);
  t.equal(world.state.sequence, sequence, 'nothing is written');
  t.equal(world.state.access.tokens.get('t1')?.usesLeft, 1);
  world.hello('a');
  t.equal(world.state.hosts.get('a')?.enrolled, undefined, 'a host that has said hello had its answer');
});

test('a token that was used up lets nobody else in', async (t) => {
  const world = smallWorld();
  token(world);
  enrolled(world);
  const before = world.state.sequence;
  const used = { kind: 'unauthenticated', reason: 'TOKEN_USED' };
  t.match(world.refused(joinOf(world, { id: 'b', machineId: 'machine-of-b' })), used, 'another host');
  t.match(world.refused(joinOf(world, { enrolment: { keyHash: 'key-2' } })), used, 'another key');
  t.match(world.refused(joinOf(world, { machineId: 'another' })), used, 'another machine');
  t.equal(world.state.sequence, before);
});

test('a token counts only with its secret, in its time, and on its site', async (t) => {
  const world = smallWorld();
  world.site('skopje');
  token(world);
  const unknown = world.refused(joinOf(world, { enrolment: { token: 'none' } }));
  t.match(unknown, { kind: 'unauthenticated', reason: 'TOKEN_UNKNOWN' });
  t.same(world.refused(joinOf(world, { enrolment: { secretHash: 'wrong' } })), unknown, 'it says no more');
  t.match(world.refused(joinOf(world, { site: 'skopje' })), { reason: 'TOKEN_OF_OTHER_SITE' });
  t.match(world.refused(joinOf(world, { site: 'nowhere' })), { reason: 'TOKEN_OF_OTHER_SITE' });
  world.nowMs += hour;
  t.match(world.refused(joinOf(world)), { kind: 'unauthenticated', reason: 'TOKEN_EXPIRED' });
  t.equal(world.state.hosts.size, 0);
});

test('tokens that have ended are taken away by the next decision about tokens, and a site has so many at most', async (t) => {
  const world = smallWorld();
  token(world, { id: 'short', endMs: world.nowMs + 1 });
  world.nowMs += 1;
  t.match(world.refused({ type: 'token.delete', id: 'short' }), { reason: 'JOIN_TOKEN_NOT_FOUND' });
  token(world);
  t.same([...world.state.access.tokens.keys()], ['t1']);
  for (let made = 1; made < tokensPerSite; made += 1) token(world, { id: `more${made}` });
  const last: CommandOf<'token.create'> = {
    type: 'token.create',
    id: 'last',
    site: 'zagreb',
    secretHash: '',
    endMs: world.nowMs + hour,
    uses: 1,
    creator: '',
  };
  t.match(world.refused(last), { kind: 'exhausted', reason: 'TOO_MANY_TOKENS' });
  world.nowMs += hour;
  world.run({ ...last, endMs: world.nowMs + hour });
  t.same([...world.state.access.tokens.keys()], ['last']);
});

test('a host with a good certificate is not taken over with a token', async (t) => {
  const world = smallWorld();
  token(world, { uses: 9 });
  enrolled(world);
  t.match(world.refused(joinOf(world, { enrolment: { keyHash: 'key-2' } })), {
    kind: 'already_exists',
    reason: 'HOST_ENROLLED',
  });
  const other = world.refused(joinOf(world, { machineId: 'another', enrolment: { keyHash: 'key-2' } }));
  t.match(other, { reason: 'HOST_EXISTS', metadata: {} });
  t.notMatch(other.message, /zagreb/, 'of other sites it says nothing');
});

test('a revoked host is cut off, and enrols again with a new key and keeps what it has', async (t) => {
  const world = smallWorld();
  token(world, { uses: 3 });
  enrolled(world);
  world.hello('a');
  const vm = world.settled('vm');
  const host = world.run({ type: 'host.revoke', id: 'a', reason: 'stolen' });
  t.match(host, { revoked: true, state: 'suspect', stateReason: /revoked: stolen/ });
  t.ok(host.certificates?.every(({ revokedMs }) => revokedMs === world.nowMs));
  t.match(world.refused(world.helloOf('a')), { kind: 'unauthenticated', reason: 'HOST_REVOKED' });
  t.match(world.refused(renewOf(world, host)), { reason: 'HOST_REVOKED' });
  t.match(world.refused(world.createOf([world.newVm('other')])), { reason: 'NO_HOST' });
  t.match(world.refused(joinOf(world)), { reason: 'KEY_REVOKED' }, 'the key may be in other hands');

  const again = enrolled(world, { enrolment: { keyHash: 'key-2' } });
  t.notOk(again.revoked);
  t.match(
    again.certificates?.map(({ revokedMs }) => revokedMs === undefined),
    [false, true],
  );
  t.equal(world.hello('a').state, 'ready');
  t.equal(world.state.vms.get(vm.uid)?.host, 'a');
  t.match(world.refused(renewOf(world, again, { shown: shownBy(again, 0) })), {
    reason: 'CERTIFICATE_REFUSED',
  });
});

test('a host whose certificate has ended enrols with a new key, and the old key is worth nothing then', async (t) => {
  const world = smallWorld();
  token(world, { endMs: world.nowMs + 4 * week, uses: 2 });
  const first = shownBy(enrolled(world));
  world.nowMs += week;
  const again = enrolled(world, { enrolment: { keyHash: 'key-2' } });
  t.match(world.refused(renewOf(world, again, { shown: first })), { reason: 'CERTIFICATE_REFUSED' });
  t.ok(world.run(renewOf(world, again, { keyHash: 'key-2' })));
});

test('a retired host loses its certificates, and may join anew', async (t) => {
  const world = smallWorld();
  token(world, { uses: 3 });
  const host = enrolled(world);
  world.run({ type: 'host.retire', id: 'a', etag: '' });
  t.match(host, { state: 'retired', revoked: true });
  t.match(world.refused(renewOf(world, host)), { reason: 'HOST_RETIRED' });
  t.match(world.refused(joinOf(world)), { reason: 'KEY_REVOKED' });
  const again = enrolled(world, { enrolment: { keyHash: 'key-2' }, machineId: 'another' });
  t.match(again, { state: 'joined', machineId: 'another', keyHash: 'key-2' });
  t.equal(again.certificates?.length, 1);
});

test('renewing adds a certificate beside those that are good, up to 30 days after the end', async (t) => {
  const world = smallWorld();
  token(world);
  const host = enrolled(world);
  world.nowMs += week / 2;
  world.run(renewOf(world, host));
  t.equal(host.certificates?.length, 2, 'both are good');
  world.nowMs += week + renewableMs - 1;
  world.run(renewOf(world, host));
  t.equal(host.certificates?.length, 2, 'the first is forgotten');
  world.nowMs += week + renewableMs;
  t.match(world.refused(renewOf(world, host)), { kind: 'unauthenticated', reason: 'CERTIFICATE_REFUSED' });
});

test('nothing is renewed and nobody enrols in recovery; a quarantined host does renew', async (t) => {
  const world = smallWorld();
  token(world, { uses: 2 });
  const host = enrolled(world);
  world.run({ type: 'host.quarantine', id: 'a', reason: 'a test' });
  t.ok(world.run(renewOf(world, host)));
  world.run({ type: 'recovery.enter', sites: ['zagreb'], reason: 'a test' });
  t.match(world.refused(renewOf(world, host)), { kind: 'precondition', reason: 'SITE_RECOVERING' });
  t.match(world.refused(joinOf(world, { id: 'b' })), { kind: 'precondition', reason: 'SITE_RECOVERING' });
});

test('a certificate that is not in the record, of a key that is not either, renews nothing', async (t) => {
  const world = smallWorld();
  token(world);
  const host = enrolled(world);
  const shown = { serial: 'invented', endMs: world.nowMs + week, keyHash: 'another' };
  t.match(world.refused(renewOf(world, host, { shown })), { reason: 'CERTIFICATE_REFUSED' });
  t.match(world.refused(renewOf(world, host, { shown: { serial: 'invented', endMs: shown.endMs } })), {
    reason: 'CERTIFICATE_REFUSED',
  });
});

test('what a connection proves lasts as long as there is a good certificate of its key', async (t) => {
  const of = (serial: string, keyHash: string, endMs: number, revokedMs?: number) => ({
    serial,
    keyHash,
    issuedMs: 0,
    endMs,
    ...(revokedMs === undefined ? {} : { revokedMs }),
  });
  const list = [of('old', 'k', 10), of('new', 'k', 100), of('other', 'x', 200)];
  const proves = (
    certificates: readonly Certificate[],
    { serial, endMs, keyHash }: Certificate,
    nowMs: number,
  ) => isProven(certificates, { serial, endMs, keyHash }, nowMs);
  const [old, newer, other] = list as [Certificate, Certificate, Certificate];
  t.ok(proves(list, old, 5));
  t.ok(proves(list, old, 50), 'the newer one stands for it');
  t.notOk(proves(list, old, 100));
  t.ok(proves(list, other, 150));
  t.notOk(proves(list, of('none', 'z', 100), 5), 'nobody knows its key');
  t.notOk(proves([of('old', 'k', 10, 1), newer], old, 5), 'it was revoked');
  t.notOk(proves([of('old', 'k', 10, 1), newer], newer, 5), 'with its key');
  const bare = { serial: 'bare', issuedMs: 0, endMs: 10 };
  t.ok(proves([bare], bare, 5));
  t.notOk(proves([bare], { ...bare, serial: 'other' }, 5), 'no key is not the same key');
});

test('a release ends a quarantine, and whichever machine speaks then is the right one', async (t) => {
  const world = smallWorld('a');
  world.hello('a', { bootId: 'boot-2' });
  t.equal(world.hello('a', { bootId: 'boot-1' }).state, 'quarantined');
  const host = world.run({ type: 'host.release', id: 'a' });
  t.match(host, { state: 'suspect', bootIds: [] });
  t.equal(world.hello('a', { bootId: 'boot-1' }).state, 'ready');
  t.equal(world.hello('a', { bootId: 'boot-2' }).state, 'ready', 'as a reboot would');
  t.equal(world.hello('a', { bootId: 'boot-1' }).state, 'quarantined', 'and the two are told apart again');
});

test('a host whose certificate was renewed after the backup that its federation goes on from is known by its key', async (t) => {
  const world = smallWorld();
  token(world);
  const host = enrolled(world);
  const shown = { serial: 'lost', endMs: world.nowMs + 2 * week, keyHash: 'key-1' };
  world.nowMs += week + 1;
  t.ok(isProven(host.certificates ?? [], shown, world.nowMs));
  world.run({ type: 'recovery.enter', sites: ['zagreb'], reason: 'a backup was restored' });
  world.hello('a', { shown });
  t.match(host.certificates?.at(-1), { ...shown, issuedMs: world.nowMs }, 'and from now on it is recorded');
  const { length } = world.changes;
  world.hello('a', { shown, bootId: host.bootIds.at(-1) ?? '' });
  t.notOk(
    world.changes.slice(length).some(({ type }) => type === 'host.certified'),
    'once',
  );
  const older = { serial: 'older', endMs: world.nowMs - 1, keyHash: 'key-1' };
  world.hello('a', { shown: older });
  t.ok(host.certificates?.some(({ serial }) => serial === 'older'));
  t.equal(host.certificates?.at(-1)?.serial, 'lost', 'whichever ends last stays the last');
  world.run({ type: 'host.revoke', id: 'a', reason: 'stolen' });
  t.notOk(isProven(host.certificates ?? [], shown, world.nowMs), 'and is revoked with the others');
  t.notOk(isRenewable(host.certificates ?? [], { ...shown, serial: 'lost too' }, world.nowMs));
});

test('in recovery, where nothing is renewed, a certificate that has ended lets its host be heard, and no longer', async (t) => {
  const world = smallWorld();
  token(world);
  const host = enrolled(world);
  const shown = shownBy(host);
  const refused = () => certificateRefusal(world.state, host, shown, world.nowMs)?.reason ?? null;
  t.equal(refused(), null);
  world.nowMs += week;
  t.equal(refused(), 'CERTIFICATE_REFUSED');
  world.run({ type: 'recovery.enter', sites: ['zagreb'], reason: 'a test' });
  t.equal(refused(), null);
  world.nowMs += renewableMs;
  t.equal(refused(), 'CERTIFICATE_REFUSED', 'thirty days later it cannot be renewed any more');
  world.nowMs -= renewableMs;
  world.hello('a', { shown });
  world.run({ type: 'recovery.end', site: 'zagreb' });
  world.nowMs += 2 * hour - 1;
  t.equal(refused(), null, 'its agent has the time to renew it');
  world.nowMs += 1;
  t.equal(refused(), 'CERTIFICATE_REFUSED');
  world.run(renewOf(world, host));
  t.equal(refused(), null);
});
