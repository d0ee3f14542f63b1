/**
 * What the running agent tells about itself over its local socket: the whole of it is composed from memory, so the
 * answer comes at once even while libvirt hangs. This is also the shape of `secovia-agent status --json`.
 */
import type { FenceOutcome } from '../fencing/fence.js';
import type { LinkState } from '../link/link-machine.js';
import type { Trouble } from './troubles.js';

export interface Amounts {
  vcpus: number;
  memoryMib: number;
  diskMib: number;
}

export interface GuestStatus {
  uid: string;
  name: string;
  state: string;
  desired: string;
  generation: number;
  desiredGeneration: number;
  term: number;
  /** Since it is in this state. */
  ageMs: number;
  error: string;
  progress: string;
}

export interface AgentStatus {
  health: 'healthy' | 'degraded';
  /** Why it is degraded, in sentences. */
  reasons: string[];
  host: string;
  site: string;
  federation: string;
  version: string;
  pid: number;
  upMs: number;
  link: {
    state: LinkState;
    scheduler: string;
    /** How long it has been in this state. */
    forMs: number;
    reason: string;
    epoch: string;
    lastLeaseAgoMs: number | null;
    /** Negative when the lease has ended. */
    leaseEndsInMs: number | null;
    waitingMessages: number;
  };
  /** Null without TLS. */
  certificate: {
    /** Negative when it has ended. */
    endsInMs: number;
    /** Until it is tried to renew it. */
    renewsInMs: number;
    /** Why the last try failed; empty when it did not. */
    error: string;
  } | null;
  libvirt: {
    available: boolean;
    uri: string;
    version: string;
    connectedForMs: number | null;
    error: string;
  };
  /** The newest point of the scheduler's journal that it has signed for this agent; null before the first. */
  checkpoint: { incarnation: number; sequence: number; hashHex: string; signatureBase64: string } | null;
  fencing: {
    /** Of this machine's own management controller; empty when it is not known. */
    controllerGuid: string;
    /** Why it is not; empty when nothing is wrong. */
    controllerProblem: string;
    /** Whom this host can power off. */
    targets: { host: string; methods: string[]; guid: string; problem: string }[];
    /** Hosts against which an order is being carried out. */
    underWay: string[];
    /** The newest fence of this process. */
    last: { host: string; outcome: FenceOutcome; method: string; message: string; agoMs: number } | null;
  };
  /** Null where the settings name none. */
  watchdog: { armed: boolean; timeoutSeconds: number; problem: string } | null;
  capacity: {
    total: Amounts;
    reserved: Amounts;
    claimed: Amounts;
    used: { memoryMib: number; cpuPercent: number };
  };
  guests: GuestStatus[];
  foreignDomains: number;
  orphans: string[];
  images: { sha256: string; sizeBytes: number }[];
  lastErrors: (Omit<Trouble, 'wallMs'> & { agoMs: number })[];
}
