/**
 * The entities of a federation as the scheduler holds them: plain data, so that a state can be written to disk,
 * compared, and forked. Who may change them is said in `apply.ts`, and nowhere else.
 *
 * Times are milliseconds since 1970. Ids are the last part of a resource's name.
 */

import type { Certificate, Enrolled } from './access/model.js';

export interface Resources {
  vcpus: number;
  memoryMib: number;
  diskMib: number;
  vms: number;
}

/** How many there are of counted extras (`gpu:a30`, `sriov-vf`, ...), by name; of none there are 0. */
export type Extras = Readonly<Record<string, number>>;

/** Hugepages of one size. */
export interface PagePool {
  sizeKib: number;
  count: number;
}

export interface NumaCell {
  id: number;
  cpus: number;
  /** Ordinary memory: without hugepages. */
  memoryMib: number;
  hugepages: PagePool[];
}

/** What a machine has for VMs. What is left out it has none of. Of the memory, hugepages are no part. */
export interface HostCapacity extends Resources {
  extras?: Extras;
  /** By id. The host as a whole may have less than its cells: what it keeps for itself is in none of them. */
  cells?: NumaCell[];
}

export interface Site {
  id: string;
  title: string;
  partner: string;
  country: string;
  jurisdictions: string[];
  cordoned: boolean;
  /** vCPUs offered for each 100 CPUs of its hosts. */
  vcpuOvercommitPercent: number;
  /** When that was changed last; left out while it is as it was at first. */
  overcommitMs?: number;
  /** New VMs leave the room that the loss of the largest host would need. */
  keepFailoverRoom: boolean;
  /** The lower the cheaper; left out means 0. */
  priceTier?: number;
  /** Counts the versions of this record; the etag. */
  revision: number;
  createdMs: number;
  updatedMs: number;
}

export interface Administration {
  id: string;
  title: string;
  parent: string | null;
  country: string;
  /** Its subtree makes, starts and enlarges no VM. Left out means false. */
  suspended?: boolean;
  /** What stopped VMs of its subtree hold; left out means as the one above says, and at the root `keep`. */
  stoppedVms?: StoppedVms;
  revision: number;
  createdMs: number;
  updatedMs: number;
}

/** Whether a VM that was seen stopped keeps its vCPUs and memory, or frees them until it starts. */
export type StoppedVms = 'keep' | 'free';

export type ImageFormat = 'qcow2' | 'raw';

export interface Image {
  /** Tells two images apart that had the same id one after the other; VMs refer to this. */
  uid: string;
  id: string;
  title: string;
  digest: string;
  format: ImageFormat;
  sizeBytes: number;
  virtualSizeMib: number;
  source: string;
  architecture: string;
  /** Deleted from the catalogue, and kept only for the VMs that were made from it. */
  deleted: boolean;
  createdMs: number;
}

/** A pool that several hosts mount. A host's own pool is part of the host. */
export interface StoragePool {
  id: string;
  site: string;
  path: string;
  /** None are left of a pool whose hosts were all retired. */
  hosts: string[];
  capacityMib: number;
  /** Left out means 1. */
  revision?: number;
  createdMs: number;
}

export type HostState = 'joined' | 'ready' | 'suspect' | 'lost' | 'fenced' | 'retired' | 'quarantined';

export interface Host {
  id: string;
  site: string;
  rack: string;
  machineId: string;
  state: HostState;
  stateMs: number;
  stateReason: string;
  cordoned: boolean;
  /** What the machine has for VMs, before any overcommit. */
  capacity: HostCapacity;
  /** When what it offers was changed last, by its machine or by an operator; left out while it is as it was at first. */
  capacityMs?: number;
  /** Given by an operator, sorted. */
  traits: string[];
  /** The administration whose subtree alone may use it; null means anybody. */
  dedicatedTo: string | null;
  /** vCPUs offered for each 100 CPUs; null means as the site says. */
  vcpuOvercommitPercent: number | null;
  /** As the agent sent it; the core reads nothing of it but the capacity. */
  inventory: Record<string, unknown> | null;
  libvirtAvailable: boolean;
  foreignDomains: number;
  orphans: string[];
  /** Since when there are any; left out while there are none. */
  orphansMs?: number;
  /** What its agent has read of them; left out while there are none. */
  orphanVms?: Orphan[];
  /** Those that have not ended, the newest last; left out for one that joined without TLS. */
  certificates?: Certificate[];
  /** SHA-256 of the public key in the newest of them, hexadecimal. */
  keyHash?: string;
  /** Its certificates were revoked, and it has not enrolled again. Left out means false. */
  revoked?: boolean;
  /** Left out once it has said hello. */
  enrolled?: Enrolled;
  /** Boot ids seen, the newest last; an older one that speaks again is a clone. */
  bootIds: string[];
  connectedMs: number;
  /** In which leadership it became ready last; left out before the first time. */
  readyIn?: string;
  /** When it was lost, or fenced before it was; left out once its agent is back. */
  lostMs?: number;
  /** What was done to prove that it is off, since its agent was last connected; left out when nothing was. */
  fence?: Fence;
  /** As its agent said last; left out when it uses none. */
  watchdog?: Watchdog;
  /** Since when its problem stands; left out while there is none. */
  watchdogMs?: number;
  /** That VMs which stop with the lease are off there, by the watchdog rule (F1); left out while it is not proven. */
  stopProof?: StopProof;
  /** What is to be taken away here, when the host is back, of VMs that were started elsewhere; left out when nothing is. */
  leftovers?: Leftover[];
  /** Left out while it is not drained. */
  drain?: HostDrain;
  revision: number;
  createdMs: number;
  updatedMs: number;
}

/** What a host has of a VM that the federation knows nothing of, as its agent has read it. */
export interface Orphan {
  uid: string;
  kind: OrphanKind;
  /** What it was called when its domain was made; empty when that is not known. */
  vmName: string;
  /** Its domain is not off. */
  running: boolean;
  /** Each amount is 0 where it is not known. */
  size: VmSize;
  /** Those that are devices, and those of which the agent has a record. */
  extras?: Extras;
  hugepageKib?: number;
  numa?: NumaWish;
  /** Its cells of the host, ascending; left out when it has none. */
  numaCells?: number[];
  /** The folder of the shared pool with its disk; empty for the host's own pool. */
  poolPath: string;
  /** Of the image that its disk was made from; empty when that is not known. */
  imageDigest: string;
  /** The newest that its host knows. */
  term: number;
  generation: number;
  rebootCount: number;
  /** Why it cannot be adopted, for people; empty when nothing on the host is in the way. */
  problem: string;
}

/** A domain with its disk, or a disk alone. */
export type OrphanKind = 'domain' | 'disk';

/** An operator wants the host to have no VMs. */
export interface HostDrain {
  state: 'active' | 'paused';
  sinceMs: number;
  /** From then on VMs that should leave only while they run are stopped for it as well; left out for never. */
  deadlineMs?: number;
}

/** How far the proof has come that a host is off (PROTOCOL F1, F2). */
export interface Fence {
  state: 'ordered' | 'failed' | 'off';
  /** When it came into this state. */
  sinceMs: number;
  /** The newest order: an answer to an older one proves nothing. Empty for an operator's word. */
  order: string;
  /** The host whose agent does it; null for an operator's word, and when nobody can. */
  fencer: string | null;
  /** Orders that were given. */
  attempts: number;
  /** For people: who has done it, or what is in the way. */
  message: string;
  /** An operator has asked for it: it is tried until it is done, whether a VM waits for it or not. */
  wanted?: true;
  /** How fast its VMs leave it: left out for the pace of a single loss. */
  pace?: 'slow' | 'now';
}

/** What resets the machine when VMs that stop with the lease outlive it (PROTOCOL L2). */
export interface Watchdog {
  armed: boolean;
  /** From the last pet to the reset. */
  timeoutS: number;
  /** Why it cannot be armed; empty when nothing is in the way. */
  problem: string;
}

/** The lease had ended, and two of the watchdog's time-outs had passed after it. */
export interface StopProof {
  sinceMs: number;
  pace?: Fence['pace'];
}

/** A VM that was started elsewhere, as its former host has to hear of it. */
export interface Leftover {
  uid: string;
  /** Under which another host got it. */
  term: number;
  generation: number;
  /** Its disk is on a shared pool, and lives on. */
  keepVolumes: boolean;
  /** It may run: a VM of this id is not started meanwhile. */
  mayRun?: boolean;
  /** The shared pool from which its disk goes with it; left out when that is the host's own, or stays. */
  pool?: string;
  /**
   * It was this host's by a journal that was restored, which `starts` it by itself after it has been off, or `waits` for a word.
   * Left out for an orphan, of which nobody knows.
   */
  former?: 'starts' | 'waits';
}

export type PowerState = 'running' | 'stopped';

/** What a VM should be. `deleted` is final. */
export type DesiredState = PowerState | 'deleted';

export type VmState =
  | 'placed'
  | 'preparing'
  | 'starting'
  | 'running'
  | 'stopping'
  | 'stopped'
  | 'paused'
  | 'crashed'
  | 'missing'
  | 'failed'
  | 'unknown';

export interface VmSize {
  vcpus: number;
  memoryMib: number;
  diskMib: number;
}

/**
 * The other size that a VM's domain has, or may have, while that is not the one in its specification: after a resize
 * until its host has carried that out, or for as long as that takes a stop and a start.
 */
export interface FormerSize extends VmSize {
  /** In which the specification got the size that it has: a host that has reached it knows of no other any more. */
  generation: number;
  /**
   * What a resize that fails or is cancelled returns to: the newest size that its host had reached. Left out when the
   * host has reached the new one; then the sizes are those that the domain has now. Before, they are the largest that
   * it may have, each resource by itself.
   */
  returnTo?: VmSize;
}

export interface VmSpec extends VmSize {
  /** `Image.uid`. */
  imageUid: string;
  /** A shared pool's id, or empty for the host's own. */
  pool: string;
  extras?: Extras;
  /** Its memory is made of pages of this size; left out for ordinary memory. */
  hugepageKib?: number;
  /** Left out for a VM that floats over all cells of its host. */
  numa?: NumaWish;
}

export interface NumaWish {
  /** 1: it fits into one cell. More: it has so many of equal size. */
  cells: number;
  /** Each vCPU has a whole CPU to itself. */
  dedicatedCpus: boolean;
}

export interface VmPolicy {
  onGuestShutdown: 'stay_stopped' | 'restart';
  rebuildable: boolean;
  /** Left out means that it waits for its host. */
  onHostLoss?: 'restart';
  /** Left out means that it runs on when its host's lease has ended. */
  onLeaseLoss?: 'stop';
  /** Left out means that a drain may stop it and start it elsewhere. */
  onDrain?: 'live_only';
}

/** Where a VM may be, and where it would rather be. What is empty or left out asks for nothing. */
export interface VmPlacement {
  sites: string[];
  countries: string[];
  excludedHosts: string[];
  /** The site must have one of them. */
  jurisdictions?: string[];
  requiredTraits?: string[];
  forbiddenTraits?: string[];
  preferredTraits?: string[];
  groups?: GroupRule[];
  preferredSites?: string[];
  /** The earlier of them the better; otherwise they are all alike. */
  preferredSitesInOrder?: boolean;
  /** Sites of a lower price tier come first. */
  preferCheap?: boolean;
}

export type GroupPolicy = 'affinity' | 'anti_affinity' | 'spread';
/** What counts as one place. */
export type GroupScope = 'host' | 'rack' | 'site';

/** How the VMs of one group of an administration are placed in relation to one another. */
export interface GroupRule {
  group: string;
  policy: GroupPolicy;
  scope: GroupScope;
  soft: boolean;
  /** Of `spread`: how many more of the group a place may have than the one with the fewest; else 0. */
  maxSkew: number;
}

/** How important a VM is: one of a higher class may take the room of one of a lower. */
export type Priority = 'spare' | 'low' | 'normal' | 'high' | 'critical';

export type StopMode = 'graceful' | 'force';
export type RebootMode = 'graceful' | 'force';

/** A failure, as a value: a gRPC status number, a stable reason, and a sentence. */
export interface Fault {
  code: number;
  reason: string;
  message: string;
}

export type MoveMode = 'live' | 'cold';

/**
 * How far a move is (PROTOCOL O5). A cold one: the VM goes off where it is, its host lets go of it, and it arrives on the
 * other. A live one: the other host gets ready, and the VM is handed over; `aborting` waits for the truth about where it is. In
 * `clearing` the other host has it, and what its owner has kept, which stands still in nearly all cases, is taken away.
 */
export type MovePhase =
  | 'going_off'
  | 'leaving'
  | 'arriving'
  | 'getting_ready'
  | 'handing_over'
  | 'aborting'
  | 'clearing';

/** A VM on its way from one host to another: it is claimed on both, and once in its quotas. */
export interface Move {
  mode: MoveMode;
  phase: MovePhase;
  /** The host that is not its owner: where it is to go, and, once it is `arriving`, where it was. */
  peer: string;
  /** The cells that it has on the peer; left out when it asked for none. */
  numaCells?: number[];
  /** Of a live move: under which term the peer gets it. */
  term?: number;
  /** How long its guest has to power itself off. */
  graceSeconds: number;
  sinceMs: number;
  /** Of a live move: its owner was seen without it. */
  left?: true;
  /** Of a live move: its owner may have its domain all the same, which is off, and is to take it away. */
  keepsDomain?: true;
  /** Of a live move: the peer was seen with it. */
  arrived?: true;
  /** Of a live move: the peer has let go of it for good, by a word that a restored journal has forgotten. */
  refused?: true;
  /** Why a live move is `aborting`. */
  fault?: Fault;
  /** While `aborting`: its owner was proven to be off, and the peer is asked since then. */
  asked?: true;
  /** While `aborting`: its owner hands nothing over any more and has it paused, and the peer is asked once more. */
  paused?: true;
}

export interface Vm {
  uid: string;
  administration: string;
  id: string;
  title: string;
  labels: Record<string, string>;
  spec: VmSpec;
  policy: VmPolicy;
  placement: VmPlacement;
  desired: DesiredState;
  state: VmState;
  stateMs: number;
  /** The owner, or null while no host has it. A VM with a host holds a claim there. */
  host: string | null;
  /** The cells of its host that it has, ascending; left out when it asked for none. */
  numaCells?: number[];
  term: number;
  generation: number;
  observedGeneration: number;
  /** Its host has not been seen with its domain under this term; left out once it was, and of those that had no other term. */
  unseen?: true;
  rebootCount: number;
  observedRebootCount: number;
  rebootMode: RebootMode;
  stopMode: StopMode;
  stopGraceSeconds: number;
  /** Hosts that refused it since it was last placed on purpose. */
  refusedBy: string[];
  /**
   * The generation with which it came to restart elsewhere; left out when it always did, or does not. A host that has not
   * reached it may still start the VM by itself.
   */
  restartSince?: number;
  /**
   * The generation with which it came to stop with the lease; left out when it always did, or does not. It counts from when
   * its host has reached it (PROTOCOL L2).
   */
  stopSince?: number;
  /** Hosts that have something of it to take away; left out when there are none. */
  leftOn?: string[];
  /** Left out while it does not move. */
  move?: Move;
  /**
   * It was found off on its host, and another may run it: until that one has let go of it, it is kept off. Left out for all others.
   */
  heldBack?: true;
  /** What it is adopted from, until its host has reached this generation; left out for all others. */
  adopting?: { from: OrphanKind; generation: number };
  /** The highest term that any host was given for it; left out while that is `term`, as nearly always. */
  lastTerm?: number;
  deletionProtection: boolean;
  /** Left out means `normal`. */
  priority?: Priority;
  /**
   * The uid of the VM for which it has given up its vCPUs and its memory; left out while it has them. Such a VM is
   * stopped, and has to find room again before it starts.
   */
  displacedFor?: string;
  /** It has given up its vCPUs and its memory because its administration lets stopped VMs do so; left out means no. */
  parked?: true;
  /** `DataClass.id`; left out means `internal`. */
  dataClass?: string;
  /** The agreement under which it uses another partner's site; left out when it needs none there. */
  agreement?: string;
  /** Left out while its domain has the size of its specification, as nearly always. */
  sizeBefore?: FormerSize;
  /** The operation under way, or null. */
  operation: string | null;
  /** Since when it is not what it should be without an operation that would end for it; left out for all others. */
  unsettledMs?: number;
  fault: Fault | null;
  revision: number;
  /** Orders VMs by when they were created. */
  createdSequence: number;
  createdMs: number;
  updatedMs: number;
}

export type OperationVerb =
  | 'create'
  | 'adopt'
  | 'start'
  | 'stop'
  | 'reboot'
  | 'resize'
  | 'migrate'
  | 'delete';
export type OperationState = 'running' | 'succeeded' | 'failed' | 'cancelled';

export interface Operation {
  id: string;
  verb: OperationVerb;
  state: OperationState;
  /** Uids of the VMs it concerns. */
  targets: string[];
  /** Whose VMs they are, which is asked for when they are gone; left out in those from before there were identities. */
  administration?: string;
  succeeded: number;
  failed: number;
  fault: Fault | null;
  /** Orders operations by when they were started. */
  createdSequence: number;
  createdMs: number;
  endedMs: number;
}

/** Which leadership writes: ordered by incarnation, then counter; the instance tells copies apart. */
export interface Epoch {
  incarnation: number;
  counter: number;
  instance: string;
}

/** How far the wall clock is ahead of the time that goes on, when that was first seen. */
export interface ClockJump {
  sinceMs: number;
  byMs: number;
}

export interface Federation {
  name: string;
  epoch: Epoch;
  /** Sites whose agents have seen more of the journal than there is. */
  recoveringSites: string[];
  recoveryReason: string;
  /** Since when each of them is; left out while none is. */
  recoveringSinceMs?: Record<string, number>;
  /** When the last recovery of a site ended; left out before the first. */
  recoveredMs?: Record<string, number>;
  /** The wall clock has jumped, and is not believed; left out while it is. */
  clockJump?: ClockJump;
  /** The last leaderships, the newest last, and when they began: hosts that became ready in an older one are not; left out before the first. */
  leaderships?: { id: string; sinceMs: number }[];
  /** Administrations that were deleted, and what was above each, empty for nothing; left out before the first. */
  formerAdministrations?: Record<string, string>;
}
