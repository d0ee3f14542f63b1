/**
 * What this agent *may* do (PROTOCOL.md O2, E1, E2): the highest epoch, the newest checkpoint, and one permit for
 * each VM, with how far its first definition has come. Everything here goes into the agent's one fsynced file
 * before anything is done about it; what a VM *is*, the hypervisor knows better.
 *
 * The ledger is plain memory with a version. Whoever acts on it first waits until that version is on disk.
 */
import { isDeepStrictEqual } from 'node:util';
import type { StaySeen, VmDesired } from './desired.js';
import type { Checkpoint, Epoch } from './epoch.js';

/** How far the VM has come under its present term. */
export type Phase =
  /** It may be defined; nothing was made yet. */
  | 'permitted'
  /** Its disk is being made: what is found of it now is of this term. */
  | 'preparing'
  /** It may or may not have been defined, and it was certainly never started. */
  | 'defining'
  /** It was defined, and may have run: when it is gone later, it is missing and stays so. */
  | 'defined'
  /** It is being taken back, because its first definition under this term failed for good. */
  | 'refusing'
  | 'refused'
  /** Released or deleted; kept as a tombstone. */
  | 'gone';

export interface VmError {
  /** A gRPC status number. */
  code: number;
  message: string;
}

export interface Permit {
  readonly uid: string;
  readonly term: number;
  readonly phase: Phase;
  readonly desired: VmDesired;
  /** `made` under this term, or `inherited` from the term before, in which this host had the VM too. */
  readonly disk: 'none' | 'made' | 'inherited';
  /** When this term began this host had the VM's disk, and nobody a newer one. */
  readonly hadDisk: boolean;
  readonly error: VmError | null;
  /** When it became `gone`, in milliseconds of the wall clock. */
  readonly goneWallMs: number | null;
  /** The scheduler has once sent its whole set without this VM, so it has forgotten it. */
  readonly acknowledged: boolean;
  /**
   * The boot in which the scheduler last said it, of a VM that may have been restarted elsewhere; empty before the first
   * time, and of other VMs, for which nobody asks.
   */
  readonly confirmedBootId: string;
  /**
   * The newest attempt to hand it over to another host, of which it is not known that it has failed: what is off here may
   * run there. Null otherwise.
   */
  readonly handover: Handover | null;
  /** The most that its domain was to say of itself under this term; null before the first. */
  readonly reached: Reached | null;
}

/** As in `VmMetadata`. */
export interface Reached {
  generation: number;
  rebootCount: number;
}

export interface Handover {
  /** The term under which it was begun. */
  term: number;
  peerUri: string;
}

export interface LedgerContent {
  epoch: Epoch | null;
  checkpoint: Checkpoint | null;
  permits: Permit[];
}

export type Acceptance =
  | 'accepted'
  | 'unchanged'
  /** Unchanged, and now it is known to hold in this boot as well. */
  | 'confirmed'
  | 'stale';

export const takesAway = (role: VmDesired['role']): boolean => role === 'released' || role === 'deleted';

/** A tombstone outlives its VM by this long, so that a late, older word cannot bring the VM back. */
const tombstoneRetentionMs = 24 * 3600_000;

export class Ledger {
  #epoch: Epoch | null;
  #checkpoint: Checkpoint | null;
  readonly #permits = new Map<string, Permit>();
  #version = 0;
  /** The version without checkpoints, which alone are not worth an fsync. */
  #essentialVersion = 0;

  /** `bootId` tells this boot of the machine from those before. */
  constructor(
    private readonly bootId: string,
    content: LedgerContent = { epoch: null, checkpoint: null, permits: [] },
  ) {
    this.#epoch = content.epoch;
    this.#checkpoint = content.checkpoint;
    for (const permit of content.permits) this.#permits.set(permit.uid, permit);
  }

  /** Grows with every change. */
  get version(): number {
    return this.#version;
  }

  /** The version that must be on disk before anything is done. */
  get essentialVersion(): number {
    return this.#essentialVersion;
  }

  get epoch(): Epoch | null {
    return this.#epoch;
  }

  get checkpoint(): Checkpoint | null {
    return this.#checkpoint;
  }

  permit(uid: string): Permit | undefined {
    return this.#permits.get(uid);
  }

  get size(): number {
    return this.#permits.size;
  }

  permits(): Iterable<Permit> {
    return this.#permits.values();
  }

  content(): LedgerContent {
    return { epoch: this.#epoch, checkpoint: this.#checkpoint, permits: [...this.#permits.values()] };
  }

  raiseEpoch(epoch: Epoch): void {
    this.#epoch = epoch;
    this.#changed();
  }

  /**
   * Keeps a newer checkpoint in memory and with the next write. It only bounds how far back a restored scheduler
   * could go unnoticed (E2), so losing the newest few in a crash costs a little of that bound and no safety here.
   */
  keepCheckpoint(checkpoint: Checkpoint): void {
    this.#checkpoint = checkpoint;
    this.#version++;
  }

  /**
   * Takes what the scheduler wants of a VM into the permits, unless something newer stands there. Of a stay that the scheduler
   * has seen, and this ledger does not know of, what was seen counts: its file was lost, or is an older one (O2).
   */
  accept(desired: VmDesired, stay: StaySeen = { defined: false, handedOver: false }): Acceptance {
    const old = this.#permits.get(desired.uid);
    const { uid, term } = desired;
    const begun: Permit = {
      uid,
      term,
      phase: 'permitted',
      desired,
      disk: 'none',
      hadDisk: false,
      error: null,
      goneWallMs: null,
      acknowledged: false,
      confirmedBootId: this.#confirmation(desired),
      handover: null,
      reached: null,
    };
    const seen: Partial<Permit> = {
      ...(stay.defined ? { phase: 'defined' } : {}),
      ...(stay.handedOver ? { handover: { term, peerUri: desired.peerUri } } : {}),
    };
    if (old === undefined) {
      this.#put({ ...begun, ...seen });
      return 'accepted';
    }
    if (term > old.term) {
      const isOwned = ownedUntil(old, term);
      this.#put({
        ...begun,
        disk: isOwned ? 'inherited' : 'none',
        hadDisk: isOwned && hadDisk(old),
        handover: desired.role === 'receive' ? null : old.handover,
        ...seen,
      });
      return 'accepted';
    }
    if (desired.term < old.term || desired.generation < old.desired.generation) return 'stale';
    if (takesAway(old.desired.role) && !takesAway(desired.role)) return 'stale';
    if (old.desired.role === 'deleted' && desired.role === 'released') {
      if (desired.generation === old.desired.generation) return 'stale';
      // It stays a deletion, and what was asked for is reached with it: whoever asks has forgotten that it was ordered.
      const { generation } = desired;
      this.#put({ ...old, desired: { ...old.desired, generation } });
      return 'accepted';
    }
    const confirmedBootId = this.#confirmation(desired);
    if (isDeepStrictEqual(old.desired, desired) && !(stay.defined && isBefore(old))) {
      if (old.confirmedBootId === confirmedBootId) return 'unchanged';
      this.#put({ ...old, confirmedBootId });
      return 'confirmed';
    }
    const again =
      (old.phase === 'refused' && desired.generation > old.desired.generation) ||
      (old.phase === 'gone' &&
        desired.role !== old.desired.role &&
        (takesAway(desired.role) || !hasLeft(old)));
    this.#put({
      ...old,
      desired,
      confirmedBootId,
      ...(again ? begunAgain(old) : {}),
      ...(isBefore(old) ? seen : {}),
    });
    return 'accepted';
  }

  /**
   * Whether the agent may make, change or start what is off. A host that was powered off comes back with permits that may
   * have been overtaken: of a VM that restarts elsewhere the scheduler must have spoken since the boot (O2). Within one boot
   * nobody can have proven this host to be off, so what was confirmed holds, whatever becomes of the link; of a VM that stops
   * with the lease it holds until a stream begins without one (L2).
   */
  isConfirmed({ desired, confirmedBootId }: Permit): boolean {
    return !desired.restartsElsewhere || confirmedBootId === this.bootId;
  }

  /**
   * A stream begins, and there is no lease any more: what stopped with it may have been restarted elsewhere, so of such VMs
   * the scheduler must speak again, as after a boot.
   */
  unconfirmStopped(): void {
    for (const permit of [...this.#permits.values()]) {
      if (permit.desired.stopsOnLeaseLoss && permit.confirmedBootId !== '') {
        this.#put({ ...permit, confirmedBootId: '' });
      }
    }
  }

  /** Writes down how far a VM has come. */
  advance(
    uid: string,
    change: Partial<Pick<Permit, 'phase' | 'disk' | 'error' | 'goneWallMs' | 'handover' | 'reached'>>,
  ): Permit {
    const old = this.#permits.get(uid);
    if (old === undefined) throw new Error(`no permit for ${uid}`);
    return this.#put({ ...old, ...change });
  }

  /** After the scheduler has sent its whole set: tombstones that it did not mention are acknowledged. */
  synced(mentioned: ReadonlySet<string>): void {
    for (const permit of [...this.#permits.values()]) {
      if (permit.phase === 'gone' && !permit.acknowledged && !mentioned.has(permit.uid)) {
        this.#put({ ...permit, acknowledged: true });
      }
    }
  }

  /** Forgets acknowledged tombstones that are old enough; returns their uids. */
  forget(wallMs: number): string[] {
    const old = [...this.#permits.values()].filter(
      (permit) =>
        permit.phase === 'gone' &&
        permit.acknowledged &&
        wallMs - (permit.goneWallMs ?? wallMs) > tombstoneRetentionMs,
    );
    for (const permit of old) this.#permits.delete(permit.uid);
    if (old.length > 0) this.#changed();
    return old.map((permit) => permit.uid);
  }

  #confirmation(desired: VmDesired): string {
    return desired.restartsElsewhere ? this.bootId : '';
  }

  #put(permit: Permit): Permit {
    this.#permits.set(permit.uid, permit);
    this.#changed();
    return permit;
  }

  #changed(): void {
    this.#version++;
    this.#essentialVersion = this.#version;
  }
}

/** What two say to be reached, each number by itself. */
export function mostOf(one: Reached, other: Reached): Reached {
  return {
    generation: Math.max(one.generation, other.generation),
    rebootCount: Math.max(one.rebootCount, other.rebootCount),
  };
}

export const isSameReached = (one: Reached, other: Reached): boolean =>
  one.generation === other.generation && one.rebootCount === other.rebootCount;

/** Whether it was handed over under its present term: then only a newer one can bring it back (O2). */
const hasLeft = ({ phase, term, handover }: Permit): boolean => phase === 'gone' && handover?.term === term;

/** What was refused, or had left, has another try under the same term; what it had before that is not touched by a refusal. */
function begunAgain({ phase, hadDisk: had }: Permit): Partial<Permit> {
  const keeps = phase === 'refused' && had;
  const disk = keeps ? 'inherited' : 'none';
  return { phase: 'permitted', disk, hadDisk: keeps, error: null, goneWallMs: null, reached: null };
}

/** Whether nothing was defined yet under its term, as far as the ledger knows. */
const isBefore = ({ phase }: Permit): boolean =>
  phase === 'permitted' || phase === 'preparing' || phase === 'defining';

/** Whether the VM has a disk for certain: its domain was defined with it. */
const hadDisk = ({ phase, hadDisk: had }: Permit): boolean => phase === 'defined' || had;

/**
 * Whether this host had the VM until just before `term`: then a disk found here is the VM's newest. With a term
 * in between, another host has had it, and the disk may be stale.
 */
function ownedUntil(permit: Permit, term: number): boolean {
  const mayHave = permit.phase === 'defined' || permit.disk !== 'none';
  return permit.term === term - 1 && mayHave && !takesAway(permit.desired.role);
}
