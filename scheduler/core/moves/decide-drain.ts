/** Decisions of operators about drains: what a host should have of VMs, which is none, and for how long. */
import type { Change } from '../changes.js';
import type { CommandOf } from '../commands.js';
import type { Decision } from '../decide.js';
import type { Host } from '../model.js';
import { notFound, type Refusal, refuse } from '../refusal.js';
import type { State } from '../state.js';

/** Begins a drain, or gives the one that goes on another deadline. */
export function drainHost(
  state: State,
  { id, deadlineMs }: CommandOf<'host.drain'>,
  nowMs: number,
): Decision<Host> {
  const host = state.hosts.get(id);
  if (host === undefined) return { refusal: notFound('host', id) };
  if (deadlineMs !== null && deadlineMs <= nowMs) {
    const description = 'must be in the future';
    const refusal = refuse('invalid', 'INVALID_DEADLINE', `deadline: ${description}`);
    return { refusal: { ...refusal, violations: [{ field: 'deadline', description }] } };
  }
  const unfit = cannotBeDrained(host);
  if (unfit) return { refusal: unfit };
  const { state: how = 'active', sinceMs = nowMs } = host.drain ?? {};
  const drain = { state: how, sinceMs, ...(deadlineMs === null ? {} : { deadlineMs }) };
  const changes: Change[] = [];
  if (!host.cordoned) changes.push({ type: 'host.cordoned', id, cordoned: true });
  if (host.drain === undefined || host.drain.deadlineMs !== drain.deadlineMs) {
    changes.push({ type: 'host.drain', id, drain });
  }
  return { changes, reply: () => host };
}

export function pauseDrain(state: State, { id, paused }: CommandOf<'host.drain_pause'>): Decision<Host> {
  const host = state.hosts.get(id);
  if (host === undefined) return { refusal: notFound('host', id) };
  const { drain } = host;
  if (drain === undefined) {
    const how = `begin with: secovia host drain ${id}`;
    return { refusal: refuse('precondition', 'NOT_DRAINED', `host "${id}" is not drained; ${how}`) };
  }
  const next = paused ? 'paused' : 'active';
  const changes: Change[] =
    drain.state === next ? [] : [{ type: 'host.drain', id, drain: { ...drain, state: next } }];
  return { changes, reply: () => host };
}

/** What a drain says of VMs that stay; agents say other things. */
const drainReasons: ReadonlySet<string> = new Set([
  'DISK_THERE',
  'IMAGE_GONE',
  'LIVE_NOT_POSSIBLE',
  'NO_HOST',
  'NOT_SETTLED',
]);

/** Whatever is left stays, and what was in its way is said no more. */
export function undrainHost(state: State, { id }: CommandOf<'host.undrain'>): Decision<Host> {
  const host = state.hosts.get(id);
  if (host === undefined) return { refusal: notFound('host', id) };
  if (host.drain === undefined) return { changes: [], reply: () => host };
  const changes: Change[] = [
    { type: 'host.drain', id, drain: null },
    { type: 'host.cordoned', id, cordoned: false },
  ];
  for (const { uid, fault } of state.vmsOfHost(id)) {
    if (fault !== null && drainReasons.has(fault.reason))
      changes.push({ type: 'vm.waits', uid, fault: null });
  }
  return { changes, reply: () => host };
}

/** A drained host takes VMs again when it is undrained. */
export function isDrained({ id, drain }: Host): Refusal | null {
  if (drain === undefined) return null;
  return refuse(
    'precondition',
    'HOST_DRAINED',
    `host "${id}" is being drained; end that, and it is uncordoned: secovia host undrain ${id}`,
  );
}

function cannotBeDrained({ id, state }: Host): Refusal | null {
  const hints: Partial<Record<Host['state'], string>> = {
    joined: 'it has never been connected, and has no VMs',
    retired: 'it is retired, and has no VMs',
    lost: `it cannot let go of its VMs; have it fenced: secovia host fence ${id}`,
    fenced: 'it is off: its VMs that may restart elsewhere do so, and the others need it back',
    quarantined: `nobody knows which machine has its VMs; release it first: secovia host release ${id}`,
  };
  const why = hints[state];
  return why === undefined
    ? null
    : refuse('precondition', 'HOST_NOT_CONNECTED', `host "${id}" cannot be drained: ${why}`, { state });
}
