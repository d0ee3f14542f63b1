/** The states of a host, and what moves it from one to another. An event that a state does not list changes nothing. */
import type { HostState } from '../model.js';

export type HostEvent =
  /** Its agent said hello, and libvirt answers. */
  | 'connected'
  /** Its agent is there, but libvirt is not. */
  | 'libvirt_lost'
  /** The stream ended. */
  | 'disconnected'
  /** The lease ended. */
  | 'lapsed'
  /** It is proven to be off. */
  | 'fenced'
  | 'cloned'
  /** An operator ends its quarantine. */
  | 'released'
  | 'retired';

const transitions: Record<HostState, Partial<Record<HostEvent, HostState>>> = {
  joined: { connected: 'ready', libvirt_lost: 'suspect', cloned: 'quarantined', retired: 'retired' },
  ready: {
    libvirt_lost: 'suspect',
    disconnected: 'suspect',
    lapsed: 'lost',
    cloned: 'quarantined',
    retired: 'retired',
  },
  suspect: {
    connected: 'ready',
    libvirt_lost: 'suspect',
    disconnected: 'suspect',
    lapsed: 'lost',
    fenced: 'fenced',
    cloned: 'quarantined',
    retired: 'retired',
  },
  lost: {
    connected: 'ready',
    libvirt_lost: 'suspect',
    fenced: 'fenced',
    cloned: 'quarantined',
    retired: 'retired',
  },
  // Only its agent's own word makes it anything else: it has been switched on again.
  fenced: { connected: 'ready', libvirt_lost: 'suspect', cloned: 'quarantined', retired: 'retired' },
  // A human decides which machine is the right one, and releases the host, or retires it and joins it again.
  quarantined: { released: 'suspect', retired: 'retired' },
  retired: {},
};

/** The state after the event, or null when the event changes nothing. */
export function nextHostState(state: HostState, event: HostEvent): HostState | null {
  return transitions[state][event] ?? null;
}

/** What its agent said last may not be so any more: nobody hears of it, or nobody believes it. */
export function isSilent(state: HostState | undefined): boolean {
  return state === 'suspect' || state === 'lost' || state === 'fenced' || state === 'quarantined';
}
