/**
 * The facts that the scheduler makes durable. The journal is a sequence of these, and `apply` of all of them in
 * order gives the state. A change says what happened and carries all that is needed to repeat it.
 */
import type {
  Administration,
  DesiredState,
  Epoch,
  Fault,
  Fence,
  FormerSize,
  Host,
  HostCapacity,
  HostDrain,
  HostState,
  Image,
  Leftover,
  Move,
  Operation,
  Orphan,
  Priority,
  RebootMode,
  Site,
  StopMode,
  StoppedVms,
  StoragePool,
  Vm,
  VmPolicy,
  VmSpec,
  VmState,
  Watchdog,
} from './model.js';
import type { Certificate, Enrolled, Identity, JoinToken } from './access/model.js';
import type { RefusedAttempts } from './audit/attempts.js';
import type {
  Agreement,
  Breach,
  DataClass,
  Loan,
  Partner,
  Quota,
  ResidencyRule,
  Scope,
} from './tenancy/model.js';

export type Change =
  /** With `hostsUnheard` every host that is ready becomes suspect; left out while whoever leads goes on. */
  | { type: 'federation.opened'; epoch: Epoch; name: string; hostsUnheard?: true }
  /** The wall clock is so far ahead of what is believed; null when it is believed again. */
  | { type: 'clock.jumped'; byMs: number | null }
  | { type: 'recovery.entered'; sites: string[]; reason: string }
  | { type: 'recovery.ended'; site: string }
  | { type: 'site.created'; site: Site }
  | {
      type: 'site.updated';
      id: string;
      title: string;
      jurisdictions: string[];
      vcpuOvercommitPercent: number;
      keepFailoverRoom: boolean;
      /** Not in journals of older versions. */
      priceTier?: number;
    }
  | { type: 'site.cordoned'; id: string; cordoned: boolean }
  | { type: 'site.deleted'; id: string }
  | { type: 'administration.created'; administration: Administration }
  | { type: 'administration.updated'; id: string; title: string; stoppedVms: StoppedVms | null }
  | { type: 'administration.moved'; id: string; parent: string | null }
  | { type: 'administration.suspended'; id: string; suspended: boolean }
  | { type: 'administration.deleted'; id: string }
  /** The partner, quota, loan, class, rule, agreement or breach as it is from now on: new, or instead of what was. */
  | { type: 'partner.set'; partner: Partner }
  | { type: 'partner.deleted'; id: string }
  | { type: 'quota.set'; quota: Quota }
  | { type: 'quota.deleted'; administration: string; scope: Scope }
  | { type: 'loan.set'; loan: Loan }
  | { type: 'class.set'; dataClass: DataClass }
  | { type: 'class.deleted'; id: string }
  | { type: 'residency.set'; rule: ResidencyRule }
  | { type: 'residency.deleted'; id: string }
  | { type: 'agreement.set'; agreement: Agreement }
  | { type: 'agreement.deleted'; id: string }
  | { type: 'breach.began'; breach: Breach }
  | { type: 'breach.ended'; id: string }
  | { type: 'image.created'; image: Image }
  | { type: 'image.deleted'; id: string }
  | { type: 'pool.created'; pool: StoragePool }
  | { type: 'pool.updated'; id: string; hosts: string[]; capacityMib: number }
  | { type: 'pool.deleted'; id: string }
  /** The identity or token as it is from now on: new, or instead of what was. */
  | { type: 'identity.set'; identity: Identity }
  | { type: 'identity.deleted'; id: string }
  | { type: 'token.set'; token: JoinToken }
  /** A host has joined with it. */
  | { type: 'token.used'; id: string; host: string; keyHash: string }
  | { type: 'token.deleted'; id: string }
  /** Calls that were refused, for the record alone. */
  | { type: 'attempts.refused'; entries: RefusedAttempts[] }
  | { type: 'host.joined'; host: Host }
  /** The certificates of a host as they are from now on. */
  | { type: 'host.certified'; id: string; certificates: Certificate[]; keyHash: string; enrolled?: Enrolled }
  | { type: 'host.revoked'; id: string; reason: string }
  | { type: 'host.connected'; id: string; bootId: string }
  /** Whichever boot speaks next is the first. */
  | { type: 'host.boots_forgotten'; id: string }
  | { type: 'host.inventory'; id: string; inventory: Record<string, unknown>; capacity: HostCapacity }
  | { type: 'host.state'; id: string; state: HostState; reason: string }
  | {
      type: 'host.reported';
      id: string;
      libvirtAvailable: boolean;
      foreignDomains: number;
      orphans: string[];
      /** Left out when there are none. */
      orphanVms?: Orphan[];
      watchdog?: Watchdog;
    }
  /** Its VMs that stop with the lease are off. */
  | { type: 'host.stop_proven'; id: string; pace?: Fence['pace'] }
  /** How far the proof has come that it is off; null when it is not to be powered off any more, or is not off any more. */
  | { type: 'host.fence'; id: string; fence: Fence | null }
  /** Something of a VM is to be taken away there. */
  | { type: 'host.leftover'; id: string; leftover: Leftover }
  /** Nothing is left there of a VM that was started elsewhere. */
  | { type: 'host.cleared'; id: string; uid: string }
  | { type: 'host.cordoned'; id: string; cordoned: boolean }
  /** Null: it is not drained any more. */
  | { type: 'host.drain'; id: string; drain: HostDrain | null }
  | {
      type: 'host.updated';
      id: string;
      traits: string[];
      dedicatedTo: string | null;
      vcpuOvercommitPercent: number | null;
    }
  | { type: 'vm.created'; vm: Vm }
  | {
      type: 'vm.updated';
      uid: string;
      title: string;
      labels: Record<string, string>;
      policy: VmPolicy;
      deletionProtection: boolean;
      /** Not in journals of older versions. */
      priority?: Priority;
      /** Not in journals of older versions. */
      dataClass?: string;
      /** The policy reaches the agent with the generation. */
      generation: number;
    }
  | {
      type: 'vm.resized';
      uid: string;
      spec: VmSpec;
      generation: number;
      /** Left out where the size stays what it was; not in journals of older versions. */
      sizeBefore?: FormerSize;
    }
  | {
      type: 'vm.desired';
      uid: string;
      desired: DesiredState;
      generation: number;
      stopMode: StopMode;
      stopGraceSeconds: number;
    }
  | { type: 'vm.reboot_ordered'; uid: string; rebootCount: number; mode: RebootMode; generation: number }
  /** A new owner: claims follow, the term rises. `refusedBy` are hosts not to be tried again. */
  | {
      type: 'vm.placed';
      /** It gives up there what stopped VMs may give up, or goes on doing so. */
      parked?: true;
      uid: string;
      host: string;
      numaCells?: number[];
      /** Left out when it needs none there. */
      agreement?: string;
      term: number;
      generation: number;
      refusedBy: string[];
      /** It was on a host that is off, or that may have its domain still, and has to take away what is left of it. */
      leaves?: { host: string; keepVolumes: boolean };
      /** It is still claimed on another host as well. */
      move?: Move;
    }
  | {
      type: 'vm.move';
      uid: string;
      /** How far it is on its way to another host; null when it is not on any, and stays where it is. */
      move: Move | null;
      generation: number;
      /** Under which it goes on where it is; left out when the one that it has goes on. */
      term?: number;
      /** Under which agreement it uses the site from now on, with a new place there; null when it needs none any more. */
      agreement?: string | null;
    }
  /** It should have another host, and cannot have one now; null when it need not have one any more. */
  | { type: 'vm.waits'; uid: string; fault: Fault | null }
  /** No host has it: the last one refused it, and nothing of it runs. */
  | { type: 'vm.unplaced'; uid: string; fault: Fault; refusedBy: string[] }
  | {
      type: 'vm.observed';
      uid: string;
      state: VmState;
      generation: number;
      rebootCount: number;
      fault: Fault | null;
      /** What became of the size that it had before; null when that is gone, left out when it is as it was. */
      sizeBefore?: FormerSize | null;
    }
  /** The agent's term was newer than ours (a restored scheduler): it wins. */
  | {
      type: 'vm.adopted';
      uid: string;
      host: string;
      numaCells?: number[];
      agreement?: string;
      term: number;
      generation: number;
      /** Its domain has another size than the journal remembers. */
      sizeBefore?: FormerSize;
      /** It is to be kept off for now; left out under the same term, that stays as it was. */
      heldBack?: true;
      /** It was rebooted more often than the journal remembers; the next order must be one that its host does not know. */
      rebootCount?: number;
    }
  /** It is stopped, and gives up its vCPUs and its memory, as its administration has it. */
  | { type: 'vm.parked'; uid: string }
  /** It is stopped, and gives up its vCPUs and its memory to another VM. */
  | { type: 'vm.displaced'; uid: string; displacedFor: string }
  /** It takes them again. */
  | { type: 'vm.returned'; uid: string }
  | { type: 'vm.removed'; uid: string }
  | { type: 'operation.started'; operation: Operation }
  | { type: 'operation.target_ended'; id: string; uid: string; fault: Fault | null }
  | { type: 'operation.cancelled'; id: string; message: string };

export type ChangeType = Change['type'];
