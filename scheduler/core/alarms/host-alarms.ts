/** Alarms about hosts: those that are not heard of, whose libvirt is away, that hold more than they have, or hold what nobody knows. */
import { evacuees, isLeft, needsFence, paceOf } from '../elsewhere/evacuation.js';
import { secondCopyOn } from '../elsewhere/second-copy.js';
import type { Host, HostState } from '../model.js';
import type { State } from '../state.js';
import { amountWords, countedResources } from '../tenancy/holdings.js';
import type { Alarm, Severity } from './alarm.js';

interface StateAlarm {
  code: string;
  severity: Severity;
  /** Of a host without VMs. */
  whenEmpty: Severity;
  /** After the host's name. */
  what: string;
  advice(id: string): string;
}

/** States that are an alarm. */
const ofStates: Partial<Record<HostState, StateAlarm>> = {
  suspect: {
    code: 'HOST_SUSPECT',
    severity: 'warning',
    whenEmpty: 'warning',
    what: 'is suspect and takes nothing new',
    advice: () =>
      'if it does not come back within its lease, look at its agent (secovia-agent status) and at its network',
  },
  lost: {
    code: 'HOST_LOST',
    severity: 'critical',
    whenEmpty: 'warning',
    what: 'is lost, and what its VMs do is not known',
    advice: (id) =>
      `bring the machine or its network back, and its VMs are taken up again; if it is gone for good, say that it is off (secovia host fence-confirm ${id}), and then secovia host retire ${id} --destroyed`,
  },
  fenced: {
    code: 'HOST_FENCED',
    severity: 'critical',
    whenEmpty: 'warning',
    what: 'is off',
    advice: (id) =>
      `VMs that restart elsewhere have left it or say why they cannot (secovia vm list); mend the machine and switch it on; if it is gone for good, with what it had: secovia host retire ${id} --destroyed`,
  },
  quarantined: {
    code: 'HOST_QUARANTINED',
    severity: 'warning',
    whenEmpty: 'warning',
    what: 'is in quarantine and takes nothing new',
    advice: (id) =>
      `find out which machine is the right one, switch the other off, then secovia host release ${id}`,
  },
};

export function* hostAlarms(state: State, host: Host): Generator<Alarm> {
  if (host.state === 'retired') return;
  const { id } = host;
  const about = { kind: 'host', id } as const;
  const stands = ofState(state, host);
  if (stands !== null) yield stands;
  yield* ofFence(state, host);
  if (host.orphans.length > 0) {
    const [first = '', ...others] = host.orphans;
    const more = others.length === 0 ? '' : ` and ${others.length} more`;
    const holdsUp = secondCopyOn(state, host);
    const held =
      holdsUp === null ? '' : `; while the domain is here, VM ${holdsUp} is neither started anew nor deleted`;
    yield {
      code: 'HOST_HAS_ORPHANS',
      severity: holdsUp === null ? 'warning' : 'critical',
      about,
      sinceMs: host.orphansMs ?? host.connectedMs,
      message: `host "${id}" holds domains or volumes of VMs that it should not have: ${first}${more}${held}`,
      advice: `look at secovia host show ${id}; what somebody needs becomes a VM again with secovia host adopt-orphan ${id}, what nobody needs is taken away with secovia host remove-orphan ${id}`,
    };
  }
  if (host.watchdog !== undefined && host.watchdog.problem !== '') {
    yield {
      code: 'HOST_WATCHDOG_UNARMED',
      severity: 'warning',
      about,
      sinceMs: host.watchdogMs ?? host.connectedMs,
      message: `the watchdog of host "${id}" cannot be armed, and VMs that stop with the lease wait there: ${host.watchdog.problem}`,
      advice: `look at its agent (secovia-agent status) and at "watchdog" in its settings; it is tried again every ten seconds`,
    };
  }
  const over = moreThanThereIs(state, host);
  if (over !== '') {
    yield {
      code: 'HOST_OVERCLAIMED',
      severity: 'warning',
      about,
      sinceMs: offeredSinceMs(state, host),
      message: `the VMs of host "${id}" hold more than it offers: ${over}`,
      advice: `give it back what it had, or move VMs away (secovia host drain ${id}, secovia vm migrate); nothing new is placed there until then`,
    };
  }
  if (host.revoked === true) {
    yield {
      code: 'HOST_REVOKED',
      severity: 'warning',
      about,
      sinceMs: revokedSinceMs(host),
      message: `the certificates of host "${id}" are revoked: it is not let in, and its guests run on`,
      advice: `join it again with a new key (secovia-agent join --new-key); if it is gone for good: secovia host fence-confirm ${id}, and then secovia host retire ${id} --destroyed`,
    };
  }
}

/** That nothing proves that a lost host is off, and that VMs leave one slowly until somebody has looked. */
function* ofFence(state: State, host: Host): Generator<Alarm> {
  const { id, fence, stopProof } = host;
  const about = { kind: 'host', id } as const;
  if (fence?.state === 'failed' && needsFence(state, host)) {
    yield {
      code: 'HOST_NOT_FENCED',
      severity: 'critical',
      about,
      sinceMs: fence.sinceMs,
      message: `nothing proves that host "${id}" is off, and until something does no VM of it restarts elsewhere: ${fence.message}`,
      advice: `mend what is in the way; it is tried again by itself, and at once with secovia host fence ${id}`,
    };
  }
  if (isLeft(host) && paceOf(host) === 'slow' && evacuees(state, host).length > 0) {
    yield {
      code: 'EVACUATION_SLOWED',
      severity: 'critical',
      about,
      sinceMs: (host.state === 'fenced' ? fence : stopProof)?.sinceMs ?? host.stateMs,
      message: `many hosts of the site were lost together with "${id}", so its VMs restart elsewhere slowly`,
      advice: `find out what has happened; when they shall go at once: secovia host evacuate ${id}`,
    };
  }
}

function ofState(state: State, host: Host): Alarm | null {
  const { id, stateMs, stateReason } = host;
  const about = { kind: 'host', id } as const;
  const because = stateReason === '' ? '' : `: ${stateReason}`;
  const vms = vmsOf(state, host);
  if (host.state === 'suspect' && !host.libvirtAvailable) {
    return {
      code: 'LIBVIRT_UNAVAILABLE',
      severity: 'critical',
      about,
      sinceMs: stateMs,
      message: `libvirt of host "${id}" does not answer (${stateReason}), and it takes nothing new; it has ${vms}`,
      advice:
        'look at libvirtd on the host (systemctl status libvirtd); the agent goes on by itself when it answers',
    };
  }
  const found = ofStates[host.state];
  if (found === undefined) return null;
  const isEmpty = state.vmCountOfHost(id) === 0;
  return {
    code: found.code,
    severity: isEmpty ? found.whenEmpty : found.severity,
    about,
    sinceMs: stateMs,
    message: `host "${id}" ${found.what}${because}; it has ${vms}`,
    advice: found.advice(id),
  };
}

function vmsOf(state: State, { id }: Host): string {
  const count = state.vmCountOfHost(id);
  return count === 0 ? 'no VMs' : amountWords(count, 'vms');
}

/** `40 vCPUs of 32, more of gpu:a than there is`, and so on; empty when everything fits. */
function moreThanThereIs(state: State, host: Host): string {
  const { hostTable } = state;
  const row = hostTable.row(host.id);
  if (row === undefined) return '';
  const fits =
    (hostTable.freeVcpus[row] as number) >= 0 &&
    (hostTable.freeMemoryMib[row] as number) >= 0 &&
    (hostTable.freeDiskMib[row] as number) >= 0 &&
    (hostTable.freeVms[row] as number) >= 0;
  const short = hostTable.shortOf(row).map((what) => `more of its ${what} than there is`);
  if (fits && short.length === 0) return '';
  const claimed = hostTable.claimed(host.id);
  const offered = hostTable.capacity(host);
  const over = countedResources.filter((resource) => claimed[resource] > offered[resource]);
  const amounts = over.map(
    (resource) => `${amountWords(claimed[resource], resource)} of ${offered[resource]}`,
  );
  return [...amounts, ...short].join(', ');
}

/** Since when it offers what it does. */
function offeredSinceMs(state: State, host: Host): number {
  return Math.max(host.capacityMs ?? host.createdMs, state.siteOf(host).overcommitMs ?? 0);
}

function revokedSinceMs({ certificates = [], updatedMs }: Host): number {
  const times = certificates.flatMap(({ revokedMs }) => (revokedMs === undefined ? [] : [revokedMs]));
  return times.length === 0 ? updatedMs : Math.max(...times);
}
