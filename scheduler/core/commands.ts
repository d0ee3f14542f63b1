/**
 * What can be asked of the core. A command carries everything that a decision needs from outside: ids that were
 * drawn for it, and what an agent has seen. It has been checked for form by whoever made it; whether it may be
 * carried out is decided here.
 */
import type {
  Extras,
  Fault,
  Host,
  HostCapacity,
  Image,
  MoveMode,
  NumaWish,
  Operation,
  Orphan,
  PowerState,
  Priority,
  RebootMode,
  Site,
  StopMode,
  StoragePool,
  Vm,
  VmPlacement,
  VmPolicy,
  VmSize,
  Watchdog,
  Administration,
} from './model.js';
import type { Shown } from './access/certificates.js';
import type { Certificate, Identity, JoinToken, Role } from './access/model.js';
import type { RefusedAttempts } from './audit/attempts.js';
import type { Refusal } from './refusal.js';
import type { StoppedVms } from './model.js';
import type {
  Agreement,
  Beneficiary,
  DataClass,
  Limits,
  Loan,
  Partner,
  Places,
  Price,
  Quota,
  ResidencyRule,
  Scope,
} from './tenancy/model.js';

/** How a VM is named in a call: by its uid, or by administration and id. */
export type VmRef = { uid: string } | { administration: string; id: string };

/** What placement has to know of a VM to be. */
export interface VmShape {
  vcpus: number;
  memoryMib: number;
  diskMib: number;
  /** `Image.id`. */
  image: string;
  pool: string;
  extras?: Extras;
  hugepageKib?: number;
  numa?: NumaWish;
  placement: VmPlacement;
  /** Left out means `normal`. */
  priority?: Priority;
  /** Left out means `internal`. */
  dataClass?: string;
}

export interface NewVm extends VmShape {
  uid: string;
  id: string;
  title: string;
  labels: Record<string, string>;
  policy: VmPolicy;
  power: PowerState;
  deletionProtection: boolean;
}

/** VMs that are to give up their room for a new one, each as the caller has seen it. */
export type Displaced = { uid: string; etag: string };

/** A VM of a call that was refused while others were made. */
export interface RefusedVm {
  /** Which of the call's VMs it is. */
  index: number;
  id: string;
  refusal: Refusal;
}

/** A domain as an agent sees it. */
export type DomainState =
  | 'absent'
  | 'preparing'
  | 'starting'
  | 'running'
  | 'stopping'
  | 'stopped'
  | 'guest_shutdown'
  | 'crashed'
  | 'paused'
  | 'missing'
  | 'refused'
  | 'unknown'
  | 'awaited';

export interface Observation {
  uid: string;
  term: number;
  generation: number;
  state: DomainState;
  rebootCount: number;
  fault: Fault | null;
  /** The cells that it has there. */
  numaCells?: number[];
  /** Of what it was told the newest: what `fault` is about. Left out by agents of older versions. */
  toldGeneration?: number;
  /** What its domain has; left out when there is none, and by agents of older versions. `diskMib` 0 says nothing. */
  size?: VmSize;
  /** Its host was told that it does not have it any more, and is not done with that yet. */
  released?: boolean;
}

export interface HostReport {
  libvirtAvailable: boolean;
  libvirtError: string;
  foreignDomains: number;
  orphans: string[];
  /** Left out when there are none of which something was read. */
  orphanVms?: Orphan[];
  /** What was told before of domains, and is not told now, may hold. */
  orphansIncomplete?: boolean;
  /** Left out when the agent uses none. */
  watchdog?: Watchdog;
}

/** With what a host joins, and what it gets. */
export interface Enrolment {
  /** `JoinToken.id`. */
  token: string;
  secretHash: string;
  /** SHA-256 of the host's public key, hexadecimal: the same key again is the same host that has lost the answer. */
  keyHash: string;
  certificate: Certificate;
  /** PEM of it and what it is verified by. */
  chainPem: string;
}

interface WithEtag {
  /** Empty means whatever it is now. */
  etag: string;
}

/** Command by type, with what it answers. */
export interface Commands {
  'federation.open': { command: { instance: string; name: string; incarnation: number }; reply: null };
  /** How far the wall clock is ahead of what is believed, in milliseconds; 0 when it is believed. */
  'clock.note': { command: { jumpMs: number }; reply: null };
  'recovery.enter': { command: { sites: string[]; reason: string }; reply: null };
  /** With `force` although hosts of the site are not ready. */
  'recovery.end': { command: { site: string; force?: boolean }; reply: null };
  'site.create': {
    command: {
      id: string;
      title: string;
      partner: string;
      country: string;
      jurisdictions: string[];
      vcpuOvercommitPercent?: number;
      keepFailoverRoom?: boolean;
      priceTier?: number;
    };
    reply: Site;
  };
  'site.update': {
    command: {
      id: string;
      title?: string;
      jurisdictions?: string[];
      vcpuOvercommitPercent?: number;
      keepFailoverRoom?: boolean;
      priceTier?: number;
    } & WithEtag;
    reply: Site;
  };
  'site.cordon': { command: { id: string; cordoned: boolean }; reply: Site };
  'site.delete': { command: { id: string } & WithEtag; reply: null };
  'administration.create': {
    command: { id: string; title: string; parent: string | null; country: string };
    reply: Administration;
  };
  'administration.update': {
    /** `stoppedVms` null: as the one above says. */
    command: { id: string; title?: string; stoppedVms?: StoppedVms | null } & WithEtag;
    reply: Administration;
  };
  'administration.move': { command: { id: string; parent: string | null } & WithEtag; reply: Administration };
  'administration.suspend': { command: { id: string; suspended: boolean }; reply: Administration };
  'administration.delete': { command: { id: string } & WithEtag; reply: null };
  'partner.create': {
    command: { id: string; title: string; country: string; administrations: string[]; open: boolean };
    reply: Partner;
  };
  'partner.update': {
    command: { id: string; title?: string; administrations?: string[]; open?: boolean } & WithEtag;
    reply: Partner;
  };
  'partner.delete': { command: { id: string } & WithEtag; reply: null };
  'quota.set': { command: { administration: string; scope: Scope; limit: Limits } & WithEtag; reply: Quota };
  'quota.delete': { command: { administration: string; scope: Scope } & WithEtag; reply: null };
  'loan.create': {
    command: {
      id: string;
      lender: string;
      borrower: string;
      scope: Scope;
      amount: Limits;
      untilMs: number;
      note: string;
    };
    reply: Loan;
  };
  'loan.recall': { command: { id: string } & WithEtag; reply: Loan };
  'class.create': { command: { id: string; title: string; level: number }; reply: DataClass };
  'class.delete': { command: { id: string }; reply: null };
  'residency.create': {
    command: {
      id: string;
      dataClass: string;
      administration: string | null;
      allowed: Places;
      forbidden: Places;
      legalBasis: string;
      priority: number;
      /** Null means at once. */
      fromMs: number | null;
      untilMs: number | null;
      startUntilMs: number | null;
    };
    reply: ResidencyRule;
  };
  'residency.update': {
    command: {
      id: string;
      allowed?: Places;
      forbidden?: Places;
      legalBasis?: string;
      priority?: number;
      untilMs?: number | null;
      startUntilMs?: number | null;
    } & WithEtag;
    reply: ResidencyRule;
  };
  'residency.delete': { command: { id: string } & WithEtag; reply: null };
  'agreement.create': {
    command: {
      id: string;
      title: string;
      partner: string;
      beneficiary: Beneficiary;
      limit: Limits;
      limitPercent: number | null;
      reserve: Limits;
      price: Price;
      /** Null means at once. */
      fromMs: number | null;
      untilMs: number | null;
      noticeDays: number;
    };
    reply: Agreement;
  };
  'agreement.update': {
    command: {
      id: string;
      title?: string;
      limit?: Limits;
      limitPercent?: number | null;
      reserve?: Limits;
      price?: Price;
      untilMs?: number | null;
      noticeDays?: number;
    } & WithEtag;
    reply: Agreement;
  };
  'agreement.recall': { command: { id: string } & WithEtag; reply: Agreement };
  'agreement.delete': { command: { id: string } & WithEtag; reply: null };
  /** Times have come at which something begins or ends; the engine asks for it before the next decision. */
  'time.pass': { command: object; reply: null };
  /** What may have put VMs in breach, or out of it, has changed; the engine asks for it after such a decision. */
  'breaches.review': { command: { administrations: string[] }; reply: null };
  /** Calls that were refused, to be kept for the record. */
  'attempts.note': { command: { entries: RefusedAttempts[] }; reply: null };
  'image.create': {
    command: Omit<Image, 'deleted' | 'createdMs'>;
    reply: Image;
  };
  'image.delete': { command: { id: string } & WithEtag; reply: null };
  'pool.create': { command: Omit<StoragePool, 'createdMs'>; reply: StoragePool };
  /** What is left out stays as it is. */
  'pool.update': {
    command: { id: string; hosts: string[] | undefined; capacityMib: number | undefined } & WithEtag;
    reply: StoragePool;
  };
  'pool.delete': { command: { id: string } & WithEtag; reply: null };
  'identity.create': {
    command: {
      id: string;
      title: string;
      role: Role;
      partner: string | null;
      administration: string | null;
      serves: string[];
    };
    reply: Identity;
  };
  'identity.update': {
    command: { id: string; title?: string; serves?: string[]; disabled?: boolean } & WithEtag;
    reply: Identity;
  };
  'identity.delete': { command: { id: string } & WithEtag; reply: null };
  /** A certificate was signed for it. */
  'identity.certify': { command: { id: string; certificate: Certificate }; reply: Identity };
  /** Empty means all. */
  'identity.revoke': { command: { id: string; serials: string[] }; reply: Identity };
  'token.create': {
    command: { id: string; site: string; secretHash: string; endMs: number; uses: number; creator: string };
    reply: JoinToken;
  };
  'token.delete': { command: { id: string }; reply: null };
  'host.join': {
    command: {
      id: string;
      site: string;
      rack: string;
      machineId: string;
      /** Left out where the scheduler runs without TLS. */
      enrolment?: Enrolment;
    };
    reply: Host;
  };
  /** `shown` is what the host asks with. */
  'host.renew': {
    command: { id: string; shown: Shown; keyHash: string; certificate: Certificate };
    reply: Host;
  };
  'host.revoke': { command: { id: string; reason: string }; reply: Host };
  'host.release': { command: { id: string }; reply: Host };
  'host.hello': {
    command: {
      id: string;
      machineId: string;
      bootId: string;
      inventory: Record<string, unknown>;
      capacity: HostCapacity;
      report: HostReport;
      /** Null where there is no TLS. */
      shown: Shown | null;
      /** Why the journal stands behind what the agent has seen, and of which incarnation; null when it does not. */
      journalBehind: { reason: string; incarnation: number } | null;
    };
    reply: Host;
  };
  'host.report': {
    command: {
      id: string;
      report: HostReport;
      inventory: Record<string, unknown> | null;
      capacity: HostCapacity | null;
    };
    reply: null;
  };
  /** One VM as its host's agent sees it. */
  'host.observe': { command: { id: string; observation: Observation }; reply: null };
  /** The stream is gone. */
  'host.disconnected': { command: { id: string; reason: string }; reply: null };
  /** The lease has ended. */
  'host.lapsed': { command: { id: string; reason: string }; reply: null };
  /** An operator wants it powered off, with or without VMs that would restart elsewhere. */
  'host.fence': { command: { id: string; reason: string }; reply: Host };
  /** Another agent of its site is to power it off. */
  'host.fence_order': { command: { id: string; order: string; fencer: string }; reply: Host };
  /** What came of it; `order` is empty when none could be given. */
  'host.fence_end': { command: { id: string; order: string; off: boolean; message: string }; reply: Host };
  /** The lease of a lost host ended so long ago that its watchdog has reset it, or nothing that stops with it runs there. */
  'host.stop_proven': { command: { id: string }; reply: Host };
  'host.fence_confirm': { command: { id: string; reason: string }; reply: Host };
  'host.evacuate': { command: { id: string }; reply: Host };
  /** What a host has of a VM that is not its own is to be taken away. */
  'host.remove_orphan': { command: { id: string; uid: string }; reply: Host };
  'host.slow': { command: { id: string }; reply: Host };
  /** A VM whose host is proven not to run it any more is to have another. */
  'vm.evacuate': { command: { uid: string }; reply: { vm: Vm; moved: boolean; others: Vm[] } };
  /** An operator wants it empty; `deadlineMs` null for no deadline. */
  'host.drain': { command: { id: string; deadlineMs: number | null }; reply: Host };
  'host.drain_pause': { command: { id: string; paused: boolean }; reply: Host };
  'host.undrain': { command: { id: string }; reply: Host };
  /**
   * A VM of a host that is drained is to have another; `mode` is how; what is in the way is said where it `isLast` to be tried.
   * `operations` has an id for it and for each that has to be where it is (`boundTogether`), or only its own. `moved` says whether it
   * is on its way, and `others` which of those with it.
   */
  'vm.drain': {
    command: { uid: string; mode: MoveMode; isLast: boolean; operations: readonly string[] };
    reply: { vm: Vm; moved: boolean; others: Vm[] };
  };
  /** What follows for a move from what has become of the two hosts. */
  'vm.move_settle': { command: { uid: string }; reply: Vm };
  /** It takes too long. */
  'vm.move_give_up': { command: { uid: string; message: string }; reply: Vm };
  'host.cordon': { command: { id: string; cordoned: boolean }; reply: Host };
  'host.update': {
    command: {
      id: string;
      traits?: string[];
      dedicatedTo?: string | null;
      vcpuOvercommitPercent?: number | null;
    } & WithEtag;
    reply: Host;
  };
  /** `destroyed`: it is off, and will never be back: its VMs go elsewhere, or have lost their disk. */
  'host.retire': { command: { id: string; destroyed?: true } & WithEtag; reply: Host };
  'host.quarantine': { command: { id: string; reason: string }; reply: Host };
  'vm.create': {
    command: {
      administration: string;
      vms: NewVm[];
      operation: string;
      /** Those that cannot be made are refused one by one; otherwise one of them refuses all. */
      bestEffort?: boolean;
      /**
       * Of a single VM that finds no host: that the refusal says who would have to give up their room, or who, having
       * been stopped, is to do so.
       */
      preemption?: 'report' | readonly Displaced[];
    };
    /** Without an operation when no VM was made. */
    reply: { vms: Vm[]; operation: Operation | null; refused: RefusedVm[] };
  };
  'vm.update': {
    command: {
      vm: VmRef;
      title?: string;
      labels?: Record<string, string>;
      policy?: VmPolicy;
      deletionProtection?: boolean;
      priority?: Priority;
      dataClass?: string;
    } & WithEtag;
    reply: Vm;
  };
  'vm.resize': {
    command: {
      vm: VmRef;
      /** 0 leaves it. */
      vcpus: number;
      memoryMib: number;
      diskMib: number;
      operation: string;
    } & WithEtag;
    reply: { vm: Vm; operation: Operation };
  };
  'vm.start': {
    command: { vm: VmRef; operation: string } & WithEtag;
    reply: { vm: Vm; operation: Operation };
  };
  'vm.stop': {
    command: { vm: VmRef; mode: StopMode; graceSeconds: number; operation: string } & WithEtag;
    reply: { vm: Vm; operation: Operation };
  };
  'vm.reboot': {
    command: { vm: VmRef; mode: RebootMode; operation: string } & WithEtag;
    reply: { vm: Vm; operation: Operation };
  };
  'vm.delete': {
    command: { vm: VmRef; operation: string } & WithEtag;
    reply: { vm: Vm; operation: Operation };
  };
  'vm.migrate': {
    command: {
      vm: VmRef;
      /** Null: any that the rules allow. */
      host: string | null;
      /** Null: one that runs is handed over running, and one that is off is moved as it is. */
      mode: MoveMode | null;
      graceSeconds: number;
      operation: string;
    } & WithEtag;
    reply: { vm: Vm; operation: Operation };
  };
  /** An orphan of a host becomes a VM. Amounts of 0 and an empty image are what the host has read of it. */
  'vm.adopt': {
    command: {
      administration: string;
      host: string;
      vm: Omit<NewVm, 'pool' | 'power' | 'hugepageKib' | 'numa'>;
      operation: string;
    };
    reply: { vm: Vm; operation: Operation };
  };
  'operation.cancel': { command: { id: string }; reply: Operation };
  /** Ends it, if it has taken longer than so many milliseconds, and the grace that its VMs have. */
  'operation.time_out': { command: { id: string; limitMs: number }; reply: Operation };
}

export type CommandType = keyof Commands;
export type CommandOf<T extends CommandType> = { type: T } & Commands[T]['command'];
export type ReplyOf<T extends CommandType> = Commands[T]['reply'];
export type Command = { [T in CommandType]: CommandOf<T> }[CommandType];
