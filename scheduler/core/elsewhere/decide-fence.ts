/**
 * Decisions about the proof that a host is off (PROTOCOL F1, F2): which agent is to fence it, what came of that, and an
 * operator's word. Orders are numbered by ids, and only an answer to the newest proves anything: a host that has spoken since
 * was switched on again, and has no order any more.
 */
import type { Change } from '../changes.js';
import type { CommandOf } from '../commands.js';
import type { Decision } from '../decide.js';
import { nextHostState } from '../lifecycle/host.js';
import type { Fence, Host } from '../model.js';
import { notFound, type Refusal, refuse } from '../refusal.js';
import type { State } from '../state.js';
import { isWanted } from './evacuation.js';
import { letRunWithAll } from './held-back.js';

/** An operator wants the host powered off; who is to do it is found next. */
export function wantFence(
  state: State,
  { id, reason }: CommandOf<'host.fence'>,
  nowMs: number,
): Decision<Host> {
  const host = state.hosts.get(id);
  if (host === undefined) return { refusal: notFound('host', id) };
  const { fence } = host;
  const isUnderWay = fence?.state === 'ordered';
  if (host.state === 'fenced' || (isUnderWay && isWanted(host))) return { changes: [], reply: () => host };
  const unfit = cannotBeFenced(state, host);
  if (unfit) return { refusal: unfit };
  // What a VM waits for is under way: from now on it does not end with the VM's need.
  if (isUnderWay) return set(host, { ...fence, wanted: true });
  const attempts = fence?.attempts ?? 0;
  const message = `an operator wants it off${reason === '' ? '' : `: ${reason}`}`;
  return set(host, {
    state: 'ordered',
    sinceMs: nowMs,
    order: '',
    fencer: null,
    attempts,
    message,
    wanted: true,
  });
}

/** Another agent of the site is to power the host off. */
export function orderFence(
  state: State,
  { id, order, fencer }: CommandOf<'host.fence_order'>,
  nowMs: number,
): Decision<Host> {
  const host = state.hosts.get(id);
  if (host === undefined) return { refusal: notFound('host', id) };
  const unfit = cannotBeFenced(state, host);
  if (unfit) return { refusal: unfit };
  if (host.fence?.state === 'off') return { changes: [], reply: () => host };
  const attempts = (host.fence?.attempts ?? 0) + 1;
  const message = `${fencer} powers it off`;
  return set(host, { state: 'ordered', sinceMs: nowMs, order, fencer, attempts, message, ...wantedOf(host) });
}

/** What came of an order, or why none could be given. Whatever is not `off` proves nothing. */
export function endFence(
  state: State,
  { id, order, off, message }: CommandOf<'host.fence_end'>,
  nowMs: number,
): Decision<Host> {
  const host = state.hosts.get(id);
  if (host === undefined) return { refusal: notFound('host', id) };
  const { fence } = host;
  const answersOrder = fence?.state === 'ordered' && fence.order === order;
  const nobodyCould = order === '' && fence?.state !== 'ordered' && fence?.state !== 'off';
  if (!answersOrder && !nobodyCould) return { changes: [], reply: () => host };
  const unfit = cannotBeFenced(state, host);
  if (unfit) return { refusal: unfit };
  const attempts = fence?.attempts ?? 0;
  const fencer = fence?.fencer ?? null;
  if (off) return fenced(state, host, { state: 'off', sinceMs: nowMs, order, fencer, attempts, message });
  if (fence?.state === 'failed' && fence.message === message) return { changes: [], reply: () => host };
  return set(host, { state: 'failed', sinceMs: nowMs, order, fencer, attempts, message, ...wantedOf(host) });
}

/** An operator's word. */
export function confirmFence(
  state: State,
  { id, reason }: CommandOf<'host.fence_confirm'>,
  nowMs: number,
): Decision<Host> {
  const host = state.hosts.get(id);
  if (host === undefined) return { refusal: notFound('host', id) };
  if (host.state === 'fenced') return { changes: [], reply: () => host };
  const unfit = cannotBeFenced(state, host);
  if (unfit) return { refusal: unfit };
  const attempts = host.fence?.attempts ?? 0;
  const message = `an operator's word: ${reason}`;
  return fenced(state, host, { state: 'off', sinceMs: nowMs, order: '', fencer: null, attempts, message });
}

/** Why it is not a host whose being off could be proven now. */
export function cannotBeFenced(state: State, host: Host): Refusal | null {
  const { id, site } = host;
  if (state.federation.recoveringSites.includes(site)) {
    return refuse(
      'precondition',
      'SITE_RECOVERING',
      `site "${site}" is in recovery, and nothing is started there; an operator ends it with: secovia federation end-recovery ${site}`,
    );
  }
  if (nextHostState(host.state, 'fenced') !== null || host.state === 'fenced') return null;
  const words: Partial<Record<Host['state'], string>> = {
    ready: 'it is connected; drain it, or cut it off first (secovia host revoke)',
    joined: 'it has never been connected, and has no VMs',
    quarantined: 'two machines may use its identity; release it first (secovia host release)',
  };
  const why = words[host.state] ?? `it is ${host.state}`;
  return refuse('precondition', 'HOST_NOT_LOST', `host "${id}" cannot be fenced: ${why}`, {
    state: host.state,
  });
}

function fenced(state: State, host: Host, fence: Fence): Decision<Host> {
  const changes: Change[] = [{ type: 'host.fence', id: host.id, fence }];
  if (host.state !== 'fenced') {
    changes.push({ type: 'host.state', id: host.id, state: 'fenced', reason: `it is off: ${fence.message}` });
    changes.push(...letRunWithAll(state, host, 'fenced'));
  }
  return { changes, reply: () => host };
}

const wantedOf = (host: Host): Pick<Fence, 'wanted'> => (isWanted(host) ? { wanted: true } : {});

function set(host: Host, fence: Fence): Decision<Host> {
  return { changes: [{ type: 'host.fence', id: host.id, fence }], reply: () => host };
}
