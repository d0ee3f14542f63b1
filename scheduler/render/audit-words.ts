/** What was decided, and why, as sentences. */
import type { RecordedChange } from '../core/audit/questions.js';
import type { Move, MovePhase } from '../core/model.js';
import { scopeWords } from '../core/tenancy/scope.js';

/** `vm` gives the name of a VM by its uid, as well as it is known. */
export function changeWords(change: RecordedChange, vm: (uid: string) => string): string {
  switch (change.type) {
    case 'federation.opened':
      return `the scheduler took up its work in epoch ${change.epoch.incarnation}.${change.epoch.counter}${change.hostsUnheard === true ? ', and waits for the agents of all hosts' : ''}`;
    case 'clock.jumped':
      return change.byMs === null
        ? "the clock of the scheduler's machine is believed again"
        : `the clock of the scheduler's machine jumped by ${Math.round(change.byMs / 1000)} s, and is not believed`;
    case 'recovery.entered':
      return `sites went into recovery: ${change.sites.join(', ')} (${change.reason})`;
    case 'recovery.ended':
      return `the recovery of site ${change.site} was ended`;
    case 'attempts.refused':
      return `calls were refused: ${change.entries.map(attemptWords).join('; ')}`;
    case 'breach.began':
      return `VMs are in breach: ${change.breach.id} (${change.breach.code})`;
    case 'breach.ended':
      return `a breach ended: ${change.id}`;
    case 'quota.set': {
      const { administration, scope } = change.quota;
      return changed(
        `the quota of administration ${administration} ${scopeWords(scope)}`,
        change.quota,
        change,
      );
    }
    case 'quota.deleted':
      return `deleted the quota of administration ${change.administration} ${scopeWords(change.scope)}`;
    case 'administration.moved':
      return `moved administration ${change.id} under ${change.parent ?? 'nobody'}${formerly(change, 'parent')}`;
    case 'administration.suspended':
      return `${change.suspended ? 'suspended' : 'resumed'} administration ${change.id}`;
    case 'site.cordoned':
    case 'host.cordoned':
      return `${change.cordoned ? 'cordoned' : 'uncordoned'} ${change.type.slice(0, 4)} ${change.id}`;
    case 'host.joined':
      return `host ${change.host.id} joined site ${change.host.site}`;
    case 'host.connected':
      return `the agent of host ${change.id} connected, boot ${change.bootId}`;
    case 'host.inventory':
      return `host ${change.id} has another inventory`;
    case 'host.state':
      return `host ${change.id} is ${change.state}${change.reason === '' ? '' : `: ${change.reason}`}`;
    case 'host.fence':
      return change.fence === null
        ? `host ${change.id} is not to be powered off any more`
        : `host ${change.id}: fence ${change.fence.state}: ${change.fence.message}`;
    case 'host.stop_proven':
      return `the VMs of host ${change.id} that stop with its lease are off, by its watchdog${change.pace === undefined ? '' : `; they leave it ${change.pace === 'now' ? 'at once' : 'slowly'}`}`;
    case 'host.leftover':
      return `host ${change.id} is to take away what it has of VM ${vm(change.leftover.uid)}`;
    case 'host.cleared':
      return `nothing is left on host ${change.id} of VM ${vm(change.uid)}`;
    case 'host.drain':
      return drainWords(change);
    case 'host.reported':
      return `host ${change.id} reports ${change.libvirtAvailable ? 'libvirt' : 'no libvirt'} and ${change.foreignDomains} foreign domains`;
    case 'operation.started':
      return `began operation ${change.operation.id}: ${change.operation.verb} of ${change.operation.targets.length} VMs`;
    case 'operation.target_ended':
      return `operation ${change.id} ended for VM ${vm(change.uid)}${faultWords(change.fault)}`;
    case 'operation.cancelled':
      return `operation ${change.id} was cancelled`;
    case 'vm.created':
      return `${change.vm.adopting === undefined ? 'made' : 'adopted'} VM ${vm(change.vm.uid)}${on(change.vm.host)}`;
    case 'vm.removed':
      return `VM ${vm(change.uid)} is gone`;
    default:
      return 'uid' in change ? vmWords(change, vm(change.uid)) : entityWords(change);
  }
}

type VmChange = Extract<RecordedChange, { uid: string }>;

function vmWords(change: VmChange, name: string): string {
  switch (change.type) {
    case 'vm.placed':
      return `placed VM ${name}${on(change.host)}${formerly(change, 'host')}`;
    case 'vm.waits':
      return change.fault === null
        ? `VM ${name} need not leave its host any more`
        : `VM ${name} cannot have another host${faultWords(change.fault)}`;
    case 'vm.move':
      return `${moveWords(change.move, name)}${agreementWords(change)}`;
    case 'vm.adopted':
      return `VM ${name} was found${on(change.host)}, at term ${change.term}`;
    case 'vm.unplaced':
      return `VM ${name} has no host any more${faultWords(change.fault)}`;
    case 'vm.observed':
      return `VM ${name} is seen ${change.state}${faultWords(change.fault)}`;
    case 'vm.desired':
      return `VM ${name} is to be ${change.desired}${formerly(change, 'desired')}`;
    case 'vm.resized':
      return changed(`the size of VM ${name}`, change.spec, { before: change.before?.['spec'] });
    case 'vm.updated':
      return changed(`VM ${name}`, change, change);
    case 'vm.reboot_ordered':
      return `VM ${name} is to reboot`;
    case 'vm.displaced':
      return `VM ${name} gave up its room`;
    case 'vm.parked':
      return `VM ${name} gave up its room while it is stopped`;
    case 'vm.returned':
      return `VM ${name} has its room again`;
    default:
      return `VM ${name}: ${change.type}`;
  }
}

const phaseWords: Record<MovePhase, (peer: string) => string> = {
  going_off: (peer) => `is to go off, to be moved to ${peer}`,
  leaving: (peer) => `is off, and its host is to let go of it for ${peer}`,
  arriving: (peer) => `has left ${peer}`,
  getting_ready: (peer) => `is to be handed over to ${peer}, which gets ready`,
  handing_over: (peer) => `is handed over to ${peer}`,
  aborting: (peer) => `is not to be handed over to ${peer} any more`,
  clearing: (peer) => `is with ${peer}, and what is paused where it was is to be taken away`,
};

function agreementWords({ agreement }: { agreement?: string | null }): string {
  if (agreement === undefined) return '';
  return agreement === null
    ? ', and needs no agreement any more'
    : `, and is under agreement ${agreement} now`;
}

function moveWords(move: Move | null, name: string): string {
  if (move === null) return `VM ${name} is not on its way to another host any more`;
  const { phase, left, arrived, fault } = move;
  const { peer: id }: Partial<Move> = move;
  // The owners of VMs are not told of hosts.
  const peer = id === undefined ? 'another host' : `host ${id}`;
  if (left === true) return `VM ${name} is not on its host any more, and is to be on ${peer}`;
  if (arrived === true && phase !== 'clearing') return `VM ${name} is seen on ${peer}`;
  return `VM ${name} ${phaseWords[phase](peer)}${faultWords(fault ?? null)}`;
}

/** Entities that are set as a whole, and fields of them. */
function entityWords(change: RecordedChange): string {
  const [kind = '', verb = ''] = change.type.split('.');
  const entity = Object.values(change).find(
    (value): value is { id: string } => typeof value === 'object' && value !== null && 'id' in value,
  );
  const id = 'id' in change ? change.id : (entity?.id ?? '');
  const what = `${words[kind] ?? kind} ${id}`;
  if (verb === 'deleted' || verb === 'revoked') return `${verb} ${what}`;
  if (verb === 'created' || (verb === 'set' && change.before === undefined)) return `made ${what}`;
  return changed(what, verb === 'set' && entity !== undefined ? entity : change, change);
}

const words: Record<string, string> = {
  class: 'data class',
  residency: 'residency rule',
  pool: 'storage pool',
  token: 'join token',
};

const uninteresting = new Set(['type', 'id', 'uid', 'before', 'why', 'revision', 'updatedMs', 'generation']);

/** `changed WHAT: FIELD from A to B, ...`, of the fields that are not as they were. */
function changed(what: string, after: object, { before }: { before?: unknown }): string {
  if (typeof before !== 'object' || before === null) return `set ${what}`;
  const differences: string[] = [];
  const now = after as Record<string, unknown>;
  const then = before as Record<string, unknown>;
  for (const field of new Set([...Object.keys(then), ...Object.keys(now)])) {
    if (uninteresting.has(field)) continue;
    const [one, other] = [short(then[field]), short(now[field])];
    if (one !== other) differences.push(`${field} from ${one} to ${other}`);
  }
  return differences.length === 0 ? `set ${what} as it was` : `changed ${what}: ${differences.join(', ')}`;
}

const longestValue = 120;

function short(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length <= longestValue ? text : `${text.slice(0, longestValue)}…`;
}

function formerly({ before }: RecordedChange, field: string): string {
  const value = before?.[field];
  return value === undefined || value === null ? '' : `, formerly ${String(value)}`;
}

function drainWords({ id, drain }: Extract<RecordedChange, { type: 'host.drain' }>): string {
  if (drain === null) return `host ${id} is not drained any more`;
  const until = drain.deadlineMs === undefined ? '' : `, until ${new Date(drain.deadlineMs).toISOString()}`;
  return drain.state === 'paused' ? `the drain of host ${id} is paused` : `host ${id} is drained${until}`;
}

function on(host: string | null | undefined): string {
  return host === null || host === undefined ? '' : ` on host ${host}`;
}

function faultWords(fault: { message: string } | null): string {
  return fault === null ? '' : `: ${fault.message}`;
}

function attemptWords(
  entry: Extract<RecordedChange, { type: 'attempts.refused' }>['entries'][number],
): string {
  const { identity, onBehalf, method, reason, count } = entry;
  if (identity === '') return `${count} of other kinds`;
  return `${count} × ${method} by ${identity}${onBehalf === '' ? '' : ` for ${onBehalf}`} (${reason})`;
}

/** Why a VM is where it is; empty for what is no placement. */
export function reasonWords(change: RecordedChange): string {
  const { why } = change;
  if (why === undefined) return '';
  const { strategy, free, priceTier } = why;
  const host = change.type === 'vm.created' ? change.vm.host : 'host' in change ? change.host : '';
  const agreement =
    change.type === 'vm.created' ? change.vm.agreement : 'agreement' in change ? change.agreement : undefined;
  const room = `${free.vcpus} vCPUs, ${free.memoryMib} MiB of memory and ${free.diskMib} MiB of disk free`;
  const tier = priceTier === undefined ? '' : `, in price tier ${priceTier}`;
  const under = agreement === undefined ? '' : `, under agreement ${String(agreement)}`;
  return `of the hosts that every rule allows and that break the fewest wishes, strategy ${strategy} chose host ${String(host)}, which had ${room}${tier}${under}`;
}
