/**
 * When the host's hardware watchdog is armed (PROTOCOL.md L2): while VMs that stop with the lease may run here, and not a moment
 * longer. Once it is armed, a thread that JavaScript cannot hold up pets it until the lease has ended and for one time-out more;
 * then it resets the machine, within another. So two time-outs after the lease's end these VMs are gone, whatever has
 * become of the agent. Pure: what is to be done with the device goes out as data.
 */
import type { GuardNeeds } from '../converge/step-context.js';

/** What an earlier process of the same boot held. */
export interface HeldLease {
  /** Milliseconds since the boot. */
  endsAt: number;
  /** The time-out of the watchdog that it may have armed; 0 when it used none. */
  watchdogS: number;
}

export type GuardOutput =
  | { kind: 'armWatchdog'; timeoutS: number; leaseEndsAt: number }
  | { kind: 'releaseWatchdog' };

const againMs = 10_000;

export class LeaseGuard {
  readonly #timeoutS: number | null;
  #state: 'off' | 'arming' | 'armed' = 'off';
  /** It was armed, here or by an earlier process, or may have been: it bites unless it is taken back. */
  #mayBite = false;
  #problem = '';
  /** Null when nothing is to be tried. */
  #againAt: number | null = 0;
  /**
   * An earlier process had armed it, for VMs of which this one knows nothing, since what that had written down is lost; the scheduler
   * has not said yet which VMs are here.
   */
  #inherits: boolean;

  /** `timeoutS` is null where there is no watchdog; `inherits` says that it was armed, and the file of permits lost. */
  constructor(timeoutS: number | null, held: HeldLease | null, inherits = false) {
    // Nobody has told the scheduler yet of a longer one.
    const before = held === null || held.watchdogS === 0 ? Number.POSITIVE_INFINITY : held.watchdogS;
    this.#timeoutS = timeoutS === null ? null : Math.min(timeoutS, before);
    this.#inherits = inherits;
  }

  /** The scheduler has said which VMs are here. */
  synced(): void {
    this.#inherits = false;
  }

  /** Seconds; null where there is no watchdog. */
  get timeoutS(): number | null {
    return this.#timeoutS;
  }

  /** Whether what stops with the lease may start, as far as the watchdog goes. */
  get isReady(): boolean {
    return this.#timeoutS === null || this.#state === 'armed';
  }

  get isArmed(): boolean {
    return this.#state === 'armed';
  }

  /** Why it is not ready, when it should be; empty when nothing is in the way. */
  get problem(): string {
    return this.#problem;
  }

  /** What is to be done now. `leaseEndsAt` is null when none was ever held. */
  settle(needs: GuardNeeds, leaseEndsAt: number | null, now: number): GuardOutput[] {
    if (this.#timeoutS === null || this.#state === 'arming') return [];
    const { wanted, unknown } = needs;
    const needed = needs.needed || (unknown && this.#inherits);
    if (!wanted && !needed) {
      this.#problem = '';
      return this.#mayBite ? this.#release() : [];
    }
    if (this.#state === 'armed') return [];
    // So long after the lease's end, one that an earlier process has armed is left to bite: opening it would pet it once more.
    if (leaseEndsAt === null || now >= leaseEndsAt + this.#timeoutS * 1000) {
      this.#mayBite = true;
      this.#againAt = null;
      return [];
    }
    if (now < (this.#againAt ?? now)) return [];
    this.#state = 'arming';
    return [{ kind: 'armWatchdog', timeoutS: this.#timeoutS, leaseEndsAt }];
  }

  armed(): void {
    this.#state = 'armed';
    this.#mayBite = true;
    this.#problem = '';
  }

  failed(problem: string, now: number): void {
    this.#state = 'off';
    this.#problem = problem;
    this.#againAt = now + againMs;
  }

  /** When it is tried again; null when nothing is to be tried. */
  nextWakeAt(): number | null {
    return this.#problem === '' ? null : this.#againAt;
  }

  /** Null where there is no watchdog. */
  get status(): { armed: boolean; timeoutSeconds: number; problem: string } | null {
    if (this.#timeoutS === null) return null;
    return { armed: this.isArmed, timeoutSeconds: this.#timeoutS, problem: this.#problem };
  }

  #release(): GuardOutput[] {
    this.#state = 'off';
    this.#mayBite = false;
    return [{ kind: 'releaseWatchdog' }];
  }
}
