/**
 * Decisions about how a host comes to be known, and to hold certificates: joining, renewing, revoking. A token is used,
 * a host recorded and its certificate noted in one decision, so that none of it happens without the rest.
 */
import {
  isGood,
  isProven,
  isRenewable,
  revokedBut,
  type Shown,
  withCertificate,
  withShown,
} from './access/certificates.js';
import { endedTokens, provenToken, usedUp } from './access/decide-token.js';
import type { Certificate, Enrolled } from './access/model.js';
import type { Change } from './changes.js';
import type { CommandOf, Enrolment } from './commands.js';
import type { Decision } from './decide.js';
import { nextHostState } from './lifecycle/host.js';
import type { Host, HostCapacity } from './model.js';
import { notFound, type Refusal, refuse } from './refusal.js';
import type { State } from './state.js';

type Join = CommandOf<'host.join'>;

const nothing: HostCapacity = { vcpus: 0, memoryMib: 0, diskMib: 0, vms: 0 };

export function joinHost(state: State, command: Join, nowMs: number): Decision<Host> {
  const { enrolment } = command;
  if (enrolment !== undefined) return enrolHost(state, command, enrolment, nowMs);
  const closed = siteRefusal(state, command.site);
  if (closed) return { refusal: closed };
  const known = state.hosts.get(command.id);
  if (known === undefined || known.state === 'retired') {
    const host = newHost(command, known, nowMs);
    return { changes: [...forgotten(known, host), { type: 'host.joined', host }], reply: () => host };
  }
  const taken = takenRefusal(known, command);
  if (taken) return { refusal: taken };
  if (known.revoked) return { refusal: revokedRefusal(known) };
  return { changes: [], reply: () => known };
}

function enrolHost(state: State, command: Join, enrolment: Enrolment, nowMs: number): Decision<Host> {
  const token = provenToken(state, command, enrolment, nowMs);
  if ('kind' in token) return { refusal: token };
  const known = state.hosts.get(command.id);
  const { keyHash, chainPem } = enrolment;
  if (known !== undefined && isSameEnrolment(known, command, enrolment)) {
    // The answer was lost on the way: it is given again as it was, and nothing is used up.
    return { changes: [], reply: () => known };
  }
  if (token.usesLeft <= 0) return { refusal: usedUp(token) };
  const closed = siteRefusal(state, command.site);
  if (closed) return { refusal: closed };
  const certificate: Certificate = { ...enrolment.certificate, keyHash };
  const enrolled: Enrolled = { token: token.id, keyHash, chainPem };
  const changes: Change[] = [
    { type: 'token.used', id: token.id, host: command.id, keyHash },
    ...endedTokens(state, nowMs),
  ];
  if (known === undefined || known.state === 'retired') {
    const reused = known === undefined ? null : reusedKeyRefusal(known, keyHash);
    if (reused) return { refusal: reused };
    const host: Host = {
      ...newHost(command, known, nowMs),
      certificates: [certificate],
      keyHash,
      enrolled,
    };
    return {
      changes: [...forgotten(known, host), { type: 'host.joined', host }, ...changes],
      reply: () => host,
    };
  }
  const refusal = takenRefusal(known, command) ?? againRefusal(known, keyHash, nowMs);
  if (refusal) return { refusal };
  // Whoever holds an older key of this host is not this host any more.
  const others = revokedBut(known.certificates ?? [], keyHash, nowMs);
  const certificates = withCertificate(others, certificate, nowMs);
  return {
    changes: [{ type: 'host.certified', id: known.id, certificates, keyHash, enrolled }, ...changes],
    reply: () => known,
  };
}

function isSameEnrolment(known: Host, command: Join, { token, keyHash }: Enrolment): boolean {
  const { enrolled, revoked: isRevoked, site, rack, machineId, state } = known;
  return (
    enrolled?.token === token &&
    enrolled.keyHash === keyHash &&
    !isRevoked &&
    state !== 'retired' &&
    site === command.site &&
    rack === command.rack &&
    machineId === command.machineId
  );
}

/** Why a host that is known may not enrol once more: only what was lost or taken away is given anew. */
function againRefusal(known: Host, keyHash: string, nowMs: number): Refusal | null {
  const reused = reusedKeyRefusal(known, keyHash);
  if (reused) return reused;
  const good = (known.certificates ?? []).some((one) => isGood(one, nowMs));
  if (!good || known.keyHash === keyHash) return null;
  return refuse(
    'already_exists',
    'HOST_ENROLLED',
    `host "${known.id}" has a good certificate of another key; if that key is lost or stolen, revoke it first, with: secovia host revoke ${known.id}`,
  );
}

/** A key that was revoked may be in other hands. */
function reusedKeyRefusal(known: Host, keyHash: string): Refusal | null {
  const wasRevoked = (known.certificates ?? []).some(
    (one) => one.keyHash === keyHash && one.revokedMs !== undefined,
  );
  if (!wasRevoked) return null;
  return refuse(
    'precondition',
    'KEY_REVOKED',
    `the key of host "${known.id}" was revoked; make a new one with: secovia-agent join TOKEN --new-key`,
  );
}

function siteRefusal(state: State, site: string): Refusal | null {
  if (!state.sites.has(site)) return notFound('site', site);
  if (!state.federation.recoveringSites.includes(site)) return null;
  return refuse('precondition', 'SITE_RECOVERING', `site "${site}" is in recovery; no host joins`);
}

function takenRefusal(known: Host, command: Join): Refusal | null {
  const same = known.site === command.site && known.machineId === command.machineId;
  if (same && known.rack === command.rack) return null;
  // A token of one site shows nothing of another.
  const where = command.enrolment === undefined ? `, on site "${known.site}"` : '';
  return refuse(
    'already_exists',
    'HOST_EXISTS',
    same
      ? `host "${command.id}" has already joined in rack "${known.rack}"; retire it before it joins anew`
      : `host "${command.id}" is already taken by another machine${where}; choose another name, or retire that host first`,
    command.enrolment === undefined ? { site: known.site } : {},
  );
}

/** The machine that was retired under this name has what was left on it still. */
function newHost(command: Join, retired: Host | undefined, nowMs: number): Host {
  const isSame = retired?.machineId === command.machineId;
  return {
    id: command.id,
    site: command.site,
    rack: command.rack,
    machineId: command.machineId,
    state: 'joined',
    stateMs: nowMs,
    stateReason: 'its agent has not connected yet',
    cordoned: false,
    capacity: nothing,
    traits: [],
    dedicatedTo: null,
    vcpuOvercommitPercent: null,
    inventory: null,
    libvirtAvailable: false,
    foreignDomains: 0,
    orphans: [],
    bootIds: [],
    connectedMs: 0,
    ...(isSame && retired.leftovers !== undefined ? { leftovers: retired.leftovers } : {}),
    revision: (retired?.revision ?? 0) + 1,
    createdMs: nowMs,
    updatedMs: nowMs,
  };
}

/** What was left on a machine that another one takes the name of. */
function forgotten(retired: Host | undefined, { id, leftovers }: Host): Change[] {
  if (leftovers !== undefined) return [];
  return (retired?.leftovers ?? []).map(({ uid }) => ({ type: 'host.cleared', id, uid }));
}

/** A new certificate beside those that it has. */
export function renewHost(state: State, command: CommandOf<'host.renew'>, nowMs: number): Decision<Host> {
  const { id, shown, keyHash } = command;
  const host = state.hosts.get(id);
  const refusal = renewalRefusal(state, id, shown, nowMs);
  if (refusal || host === undefined) return { refusal: refusal ?? notFound('host', id) };
  const reused = reusedKeyRefusal(host, keyHash);
  if (reused) return { refusal: reused };
  const certificates = withCertificate(host.certificates ?? [], { ...command.certificate, keyHash }, nowMs);
  return { changes: [{ type: 'host.certified', id, certificates, keyHash }], reply: () => host };
}

/** Why the host that asks with this certificate gets no other; null when it does. */
export function renewalRefusal(state: State, id: string, shown: Shown, nowMs: number): Refusal | null {
  const host = state.hosts.get(id);
  const standing = hostRefusal(host, id);
  if (standing || host === undefined) return standing;
  if (!isRenewable(host.certificates ?? [], shown, nowMs)) return notGood(id);
  if (!state.federation.recoveringSites.includes(host.site)) return null;
  return refuse(
    'precondition',
    'SITE_RECOVERING',
    `site "${host.site}" is in recovery; no certificate is renewed until that has ended`,
  );
}

/** A certificate that was issued after the backup that the federation goes on from is recorded once its host is heard. */
export function shownChange(host: Host, shown: Shown | null, nowMs: number): Change[] {
  const { id, certificates = [], keyHash } = host;
  if (shown === null || keyHash === undefined) return [];
  const after = withShown(certificates, shown, nowMs);
  return after === certificates ? [] : [{ type: 'host.certified', id, certificates: [...after], keyHash }];
}

/** Why nothing is taken from this host; null when it is a host like others. */
export function hostRefusal(host: Host | undefined, id: string): Refusal | null {
  if (host === undefined) return notFound('host', id);
  if (host.state === 'retired') {
    return refuse('precondition', 'HOST_RETIRED', `host "${id}" was retired; join it again to use it`);
  }
  return host.revoked ? revokedRefusal(host) : null;
}

function revokedRefusal({ id }: Host): Refusal {
  return refuse(
    'unauthenticated',
    'HOST_REVOKED',
    `the certificates of host "${id}" were revoked; enrol it anew with: secovia-agent join TOKEN --new-key`,
  );
}

/** After a recovery its host has so long to renew a certificate that ended meanwhile: agents try once an hour at least. */
const lateRenewalMs = 2 * 3600_000;

/** Why the certificate that a host shows does not prove whose it is; null when it does. */
export function certificateRefusal(state: State, host: Host, shown: Shown, nowMs: number): Refusal | null {
  const certificates = host.certificates ?? [];
  // Nothing is renewed in recovery, which must hear of what runs on the host all the same.
  const { recoveringSites, recoveredMs = {} } = state.federation;
  const isLate = recoveringSites.includes(host.site) || nowMs < (recoveredMs[host.site] ?? 0) + lateRenewalMs;
  return (isLate ? isRenewable : isProven)(certificates, shown, nowMs) ? null : notGood(host.id);
}

function notGood(id: string): Refusal {
  return refuse(
    'unauthenticated',
    'CERTIFICATE_REFUSED',
    `this certificate of host "${id}" is not good any more; enrol the host anew with: secovia-agent join TOKEN`,
  );
}

/** Its certificates are refused from now on. What runs there runs on, and its lease is not renewed. */
export function revokeHost(state: State, { id, reason }: CommandOf<'host.revoke'>): Decision<Host> {
  const host = state.hosts.get(id);
  if (host === undefined) return { refusal: notFound('host', id) };
  if (host.revoked) return { changes: [], reply: () => host };
  return { changes: [{ type: 'host.revoked', id, reason }, ...cutOff(host, reason)], reply: () => host };
}

/** Nothing is placed there from this moment, and not only when its stream has ended. */
function cutOff(host: Host, reason: string): Change[] {
  const state = nextHostState(host.state, 'disconnected');
  if (state === null) return [];
  const why = `its certificates were revoked${reason === '' ? '' : `: ${reason}`}`;
  return [{ type: 'host.state', id: host.id, state, reason: why }];
}

/** What a host that is retired had is worth nothing any more. */
export function revokedOnRetiring(host: Host): Change[] {
  const any = (host.certificates ?? []).length > 0 && !host.revoked;
  return any ? [{ type: 'host.revoked', id: host.id, reason: 'retired by an operator' }] : [];
}
