/** Composes the status from what the core and the shell have in memory; nothing here waits for anything. */
import type { Instant } from '../converge/converger.js';
import { isTroubled } from '../converge/observation.js';
import type { AgentCore } from '../core.js';
import type { CertificateStanding } from '../enrolment/renewal-plan.js';
import type { OwnController } from '../fencing/own-controller.js';
import type { Availability } from '../hypervisor/hypervisor.js';
import type { CachedImage } from '../images/image-store.js';
import type { AgentStatus, Amounts, GuestStatus } from './snapshot.js';

export interface ComposeInput {
  core: AgentCore;
  now: Instant;
  availability: Availability;
  images: CachedImage[];
  startedWallMs: number;
  connectedToLibvirtWallMs: number | null;
  host: string;
  site: string;
  federation: string;
  scheduler: string;
  libvirtUri: string;
  version: string;
  /** Null without TLS. */
  certificate: CertificateStanding | null;
  ownController: OwnController;
}

export function composeStatus(input: ComposeInput): AgentStatus {
  const { core, now, availability, certificate } = input;
  const link = core.linkStatus();
  const guests = guestsOf(core, now);
  const reasons = [
    ...(link.state === 'linked' ? [] : [`no link to the scheduler: ${link.reason || link.state}`]),
    ...(certificate === null || certificate.trouble === null ? [] : [certificate.trouble]),
    ...(availability.available ? [] : [`libvirt does not answer: ${availability.error}`]),
    ...(core.guard.problem === '' ? [] : [`the watchdog cannot be armed: ${core.guard.problem}`]),
    ...guests.filter(({ troubled }) => troubled).map(({ guest }) => troubleOf(guest)),
  ];
  const { epoch } = core.ledger;
  return {
    health: reasons.length === 0 ? 'healthy' : 'degraded',
    reasons,
    host: input.host,
    site: input.site,
    federation: input.federation,
    version: input.version,
    pid: process.pid,
    upMs: now.wallMs - input.startedWallMs,
    link: {
      state: link.state,
      scheduler: input.scheduler,
      forMs: now.bootMs - link.since,
      reason: link.reason,
      epoch: epoch === null ? '' : `${epoch.incarnation}.${epoch.counter}`,
      lastLeaseAgoMs: link.leaseGrantedAt === null ? null : now.bootMs - link.leaseGrantedAt,
      leaseEndsInMs: link.leaseExpiresAt === null ? null : link.leaseExpiresAt - now.bootMs,
      waitingMessages: link.waiting,
    },
    certificate:
      certificate === null
        ? null
        : {
            endsInMs: certificate.endMs - now.wallMs,
            renewsInMs: certificate.nextMs - now.wallMs,
            error: certificate.error,
          },
    libvirt: {
      available: availability.available,
      uri: input.libvirtUri,
      version: availability.version,
      connectedForMs:
        input.connectedToLibvirtWallMs === null ? null : now.wallMs - input.connectedToLibvirtWallMs,
      error: availability.error,
    },
    checkpoint: core.ledger.checkpoint,
    fencing: fencingOf(input),
    watchdog: core.guard.status,
    capacity: capacityOf(core),
    guests: guests.map(({ guest }) => guest),
    foreignDomains: core.converger.foreignDomains,
    orphans: core.orphans(),
    images: input.images,
    lastErrors: core.troubles
      .list()
      .map(({ message, count, wallMs }) => ({ message, count, agoMs: now.wallMs - wallMs })),
  };
}

function fencingOf({ core, now, ownController }: ComposeInput): AgentStatus['fencing'] {
  const last = core.fences.last();
  return {
    controllerGuid: ownController.guid,
    controllerProblem: ownController.problem,
    targets: core.fenceTargets.map((target) => ({ ...target })),
    underWay: core.fences.underWay(),
    last:
      last === null
        ? null
        : {
            host: last.host,
            outcome: last.outcome,
            method: last.method,
            message: last.message,
            agoMs: now.wallMs - last.wallMs,
          },
  };
}

function troubleOf(guest: GuestStatus): string {
  return `VM ${guest.name || guest.uid} is ${guest.state}${guest.error === '' ? '' : `: ${guest.error}`}`;
}

function guestsOf(core: AgentCore, now: Instant): { guest: GuestStatus; troubled: boolean }[] {
  return core.converger
    .observations()
    .filter(({ state }) => state !== 'absent')
    .map((observation) => {
      const permit = core.ledger.permit(observation.uid);
      const guest: GuestStatus = {
        uid: observation.uid,
        name: permit?.desired.vmName ?? '',
        state: observation.state,
        desired: permit?.desired.role ?? '',
        generation: observation.generation,
        desiredGeneration: permit?.desired.generation ?? 0,
        term: observation.term,
        ageMs: now.wallMs - observation.sinceWallMs,
        error: observation.error?.message ?? '',
        progress: observation.progress,
      };
      return { guest, troubled: isTroubled(observation) };
    })
    .sort((a, b) => a.guest.name.localeCompare(b.guest.name) || a.guest.uid.localeCompare(b.guest.uid));
}

function capacityOf(core: AgentCore): AgentStatus['capacity'] {
  const none: Amounts = { vcpus: 0, memoryMib: 0, diskMib: 0 };
  const claimed = { ...none };
  const sizes = new Map(core.converger.observations().map(({ uid, size }) => [uid, size]));
  for (const { uid, desired, phase } of core.ledger.permits()) {
    if (desired.size === null || phase === 'gone' || phase === 'refused') continue;
    // As the scheduler counts it: what a domain has, and what it should have, the larger of both.
    const has = sizes.get(uid) ?? none;
    for (const key of ['vcpus', 'memoryMib', 'diskMib'] as const) {
      claimed[key] += Math.max(desired.size[key], has[key]);
    }
  }
  const amounts = (source: Partial<Amounts> | null | undefined): Amounts => ({
    vcpus: source?.vcpus ?? 0,
    memoryMib: source?.memoryMib ?? 0,
    diskMib: source?.diskMib ?? 0,
  });
  return {
    total: amounts(core.inventory?.total),
    reserved: amounts(core.inventory?.reserved),
    claimed,
    used: { memoryMib: core.metrics.memoryUsedMib, cpuPercent: core.metrics.cpuPercent },
  };
}
