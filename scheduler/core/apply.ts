/**
 * The one place that writes the state. It follows from a change alone what the state becomes, so that the journal
 * replayed gives the same state again: no clock, no randomness, no decisions. A change that does not fit the state
 * is a bug, and stops the scheduler; one that is not known was written by a newer program.
 */
import type { Change } from './changes.js';
import { revoked } from './access/certificates.js';
import { applyAccessChange } from './apply-access.js';
import { applyVmChange, type VmChange } from './apply-vm.js';
import { applyOperationChange } from './apply-operation.js';
import { applyTenancyChange } from './apply-tenancy.js';
import { addLeftover, clearLeft } from './elsewhere/leftovers.js';
import type { Administration, Federation, Host, Site, Watchdog } from './model.js';
import { becameReady, unhearAll } from './lifecycle/unheard.js';
import type { State } from './state.js';
import type { Partner } from './tenancy/model.js';
import { newPartner } from './tenancy/partners.js';
import { UnknownChange } from './unknown-change.js';

export function apply(state: State, change: Change, atMs: number): void {
  switch (change.type) {
    case 'federation.opened':
      state.federation.epoch = change.epoch;
      state.federation.name = change.name;
      // Whoever begins believes the clock that there is.
      delete state.federation.clockJump;
      if (change.hostsUnheard === true) unhearAll(state, atMs);
      state.touched.write('federation', '', state.federation);
      return;
    case 'clock.jumped':
      if (change.byMs === null) delete state.federation.clockJump;
      else state.federation.clockJump = { sinceMs: atMs, byMs: change.byMs };
      state.touched.write('federation', '', state.federation);
      return;
    case 'recovery.entered':
      state.federation.recoveringSites = [
        ...new Set([...state.federation.recoveringSites, ...change.sites]),
      ].sort();
      state.federation.recoveryReason = change.reason;
      noteRecovering(state.federation, change.sites, atMs);
      state.touched.write('federation', '', state.federation);
      state.offers.sites(change.sites);
      return;
    case 'recovery.ended':
      state.federation.recoveringSites = state.federation.recoveringSites.filter(
        (site) => site !== change.site,
      );
      if (state.federation.recoveringSites.length === 0) state.federation.recoveryReason = '';
      noteRecovering(state.federation, [], atMs);
      state.federation.recoveredMs = { ...state.federation.recoveredMs, [change.site]: atMs };
      state.touched.write('federation', '', state.federation);
      state.offers.sites([change.site]);
      return;
    case 'site.created':
      noteOldPartner(state, change.site, atMs);
      state.addSite(change.site);
      state.touched.write('site', change.site.id, change.site);
      return;
    case 'site.updated':
    case 'site.cordoned': {
      const site = must(state.sites.get(change.id), change);
      if (change.type === 'site.cordoned') site.cordoned = change.cordoned;
      else {
        site.title = change.title;
        site.jurisdictions = change.jurisdictions;
        site.keepFailoverRoom = change.keepFailoverRoom;
        if (site.vcpuOvercommitPercent !== change.vcpuOvercommitPercent) site.overcommitMs = atMs;
        site.vcpuOvercommitPercent = change.vcpuOvercommitPercent;
        if (change.priceTier !== undefined) site.priceTier = change.priceTier;
      }
      site.revision += 1;
      site.updatedMs = atMs;
      state.touched.write('site', site.id, site);
      state.refreshSite(site);
      return;
    }
    case 'site.deleted':
      state.touched.remove('site', change.id, must(state.sites.get(change.id), change));
      state.removeSite(change.id);
      return;
    case 'administration.created':
      state.addAdministration(change.administration);
      state.touched.write('administration', change.administration.id, change.administration);
      return;
    case 'administration.updated':
    case 'administration.moved':
    case 'administration.suspended': {
      const administration = must(state.administrations.get(change.id), change);
      applyAdministrationChange(state, administration, change);
      administration.revision += 1;
      administration.updatedMs = atMs;
      state.touched.write('administration', administration.id, administration);
      return;
    }
    case 'administration.deleted': {
      const administration = must(state.administrations.get(change.id), change);
      const { federation } = state;
      federation.formerAdministrations = {
        ...federation.formerAdministrations,
        [change.id]: administration.parent ?? '',
      };
      state.touched.write('federation', '', federation);
      state.touched.remove('administration', change.id, administration);
      state.removeAdministration(change.id);
      return;
    }
    case 'partner.set':
    case 'partner.deleted':
    case 'quota.set':
    case 'quota.deleted':
    case 'loan.set':
    case 'class.set':
    case 'class.deleted':
    case 'residency.set':
    case 'residency.deleted':
    case 'agreement.set':
    case 'agreement.deleted':
    case 'breach.began':
    case 'breach.ended':
      applyTenancyChange(state, change);
      return;
    case 'image.created':
      state.addImage(change.image);
      state.touched.write('image', change.image.uid, change.image);
      return;
    case 'image.deleted': {
      const image = must(state.images.get(change.id), change);
      image.deleted = true;
      state.images.delete(image.id);
      if (state.imageUse.has(image.uid)) state.touched.write('image', image.uid, image);
      else {
        state.imagesByUid.delete(image.uid);
        state.touched.remove('image', image.uid, image);
      }
      return;
    }
    case 'pool.created':
      state.addPool(change.pool);
      state.touched.write('pool', change.pool.id, change.pool);
      return;
    case 'pool.updated': {
      const pool = must(state.pools.get(change.id), change);
      state.updatePool(pool, change);
      state.touched.write('pool', pool.id, pool);
      return;
    }
    case 'pool.deleted': {
      const pool = must(state.pools.get(change.id), change);
      state.touched.remove('pool', pool.id, pool);
      state.removePool(pool);
      return;
    }
    case 'identity.set':
    case 'identity.deleted':
    case 'token.set':
    case 'token.used':
    case 'token.deleted':
      applyAccessChange(state, change);
      return;
    case 'attempts.refused':
      return;
    case 'host.joined':
      state.alike.host(change.host);
      state.addHost(change.host);
      state.touched.write('host', change.host.id, change.host);
      return;
    case 'host.connected':
    case 'host.boots_forgotten':
    case 'host.inventory':
    case 'host.state':
    case 'host.reported':
    case 'host.fence':
    case 'host.stop_proven':
    case 'host.cordoned':
    case 'host.drain':
    case 'host.updated':
    case 'host.certified':
    case 'host.revoked': {
      const host = must(state.hosts.get(change.id), change);
      applyHostChange(state.federation, host, change, atMs);
      if (change.type === 'host.inventory') state.alike.host(host);
      state.refreshHost(host);
      host.revision += 1;
      host.updatedMs = atMs;
      state.touched.write('host', host.id, host);
      return;
    }
    case 'host.leftover':
      addLeftover(state, must(state.hosts.get(change.id), change), change.leftover);
      return;
    case 'host.cleared':
      clearLeft(state, must(state.hosts.get(change.id), change), change.uid);
      return;
    case 'operation.started':
    case 'operation.target_ended':
    case 'operation.cancelled':
      applyOperationChange(state, change, atMs);
      return;
    default:
      if (!change.type.startsWith('vm.')) throw new UnknownChange(change.type);
      applyVmChange(state, change satisfies VmChange, atMs);
  }
}

/** Keeps since when each site recovers. Of one that did when nobody noted it yet it stays unknown. */
function noteRecovering(federation: Federation, entered: readonly string[], atMs: number): void {
  const { recoveringSites, recoveringSinceMs = {} } = federation;
  const since: Record<string, number> = {};
  for (const site of recoveringSites) {
    const sinceMs = recoveringSinceMs[site] ?? (entered.includes(site) ? atMs : undefined);
    if (sinceMs !== undefined) since[site] = sinceMs;
  }
  if (recoveringSites.length === 0) delete federation.recoveringSinceMs;
  else federation.recoveringSinceMs = since;
}

/** In journals from before there were partners, a site's is only named: it serves everybody, as its sites did then. */
function noteOldPartner(state: State, { partner: id, country }: Site, atMs: number): void {
  if (state.tenancy.partners.has(id)) return;
  const partner = oldPartner(id, country, atMs);
  state.tenancy.setPartner(partner);
  state.touched.write('partner', id, partner);
}

/** The partner of sites that are older than partners are. */
export function oldPartner(id: string, country: string, atMs: number): Partner {
  return newPartner(id, '', country, [], true, atMs);
}

type AdministrationChange = Extract<
  Change,
  { type: 'administration.updated' | 'administration.moved' | 'administration.suspended' }
>;

function applyAdministrationChange(
  state: State,
  administration: Administration,
  change: AdministrationChange,
): void {
  switch (change.type) {
    case 'administration.updated':
      administration.title = change.title;
      if (change.stoppedVms === null) delete administration.stoppedVms;
      else administration.stoppedVms = change.stoppedVms;
      return;
    case 'administration.moved':
      administration.parent = change.parent;
      state.moveAdministration(administration);
      return;
    case 'administration.suspended':
      if (change.suspended) administration.suspended = true;
      else delete administration.suspended;
      state.noteSuspension(administration);
  }
}

/** How many boot ids a host remembers, to tell a clone from a reboot. */
const bootIdsKept = 16;

type HostChange = Exclude<
  Extract<Change, { type: `host.${string}`; id: string }>,
  { type: 'host.cleared' | 'host.leftover' }
>;

function applyHostChange(federation: Federation, host: Host, change: HostChange, atMs: number): void {
  switch (change.type) {
    case 'host.connected':
      if (host.bootIds.at(-1) !== change.bootId) {
        host.bootIds = [...host.bootIds, change.bootId].slice(-bootIdsKept);
      }
      host.connectedMs = atMs;
      delete host.enrolled;
      // What was proven of it is true no more.
      delete host.fence;
      delete host.stopProof;
      delete host.lostMs;
      return;
    case 'host.boots_forgotten':
      host.bootIds = [];
      return;
    case 'host.inventory':
      // The first that is heard of is no other than before.
      if (host.inventory !== null && JSON.stringify(host.capacity) !== JSON.stringify(change.capacity))
        host.capacityMs = atMs;
      host.inventory = change.inventory;
      host.capacity = change.capacity;
      return;
    case 'host.state':
      if (host.state !== change.state) host.stateMs = atMs;
      if (change.state === 'lost' || change.state === 'fenced') host.lostMs ??= atMs;
      host.state = change.state;
      host.stateReason = change.reason;
      if (change.state === 'ready') becameReady(federation, host);
      return;
    case 'host.reported':
      host.libvirtAvailable = change.libvirtAvailable;
      host.foreignDomains = change.foreignDomains;
      host.orphans = change.orphans;
      if (change.orphanVms === undefined) delete host.orphanVms;
      else host.orphanVms = change.orphanVms;
      if (change.orphans.length === 0) delete host.orphansMs;
      else host.orphansMs ??= atMs;
      noteWatchdog(host, change.watchdog, atMs);
      return;
    case 'host.stop_proven': {
      const { sinceMs = atMs } = host.stopProof ?? {};
      host.stopProof = { sinceMs, ...(change.pace === undefined ? {} : { pace: change.pace }) };
      return;
    }
    case 'host.fence':
      if (change.fence === null) delete host.fence;
      else host.fence = change.fence;
      return;
    case 'host.cordoned':
      host.cordoned = change.cordoned;
      return;
    case 'host.drain':
      if (change.drain === null) delete host.drain;
      else host.drain = change.drain;
      return;
    case 'host.updated':
      host.traits = change.traits;
      host.dedicatedTo = change.dedicatedTo;
      if (host.vcpuOvercommitPercent !== change.vcpuOvercommitPercent) host.capacityMs = atMs;
      host.vcpuOvercommitPercent = change.vcpuOvercommitPercent;
      return;
    case 'host.certified':
      host.certificates = change.certificates;
      host.keyHash = change.keyHash;
      if (change.enrolled !== undefined) {
        host.enrolled = change.enrolled;
        delete host.revoked;
      }
      return;
    case 'host.revoked':
      host.certificates = revoked(host.certificates ?? [], [], atMs);
      host.revoked = true;
  }
}

function noteWatchdog(host: Host, watchdog: Watchdog | undefined, atMs: number): void {
  if (watchdog === undefined) delete host.watchdog;
  else host.watchdog = watchdog;
  if (watchdog === undefined || watchdog.problem === '') delete host.watchdogMs;
  else host.watchdogMs ??= atMs;
}

/** What a change speaks of must be there. */
export function must<T>(entity: T | undefined, change: Change): T {
  if (entity === undefined) throw new Error(`the change ${JSON.stringify(change)} does not fit the state`);
  return entity;
}
