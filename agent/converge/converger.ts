/**
 * All VMs of one host, each converging by its own program (program.ts), independently of the others: one that is
 * stuck holds up none but itself. Inputs come in as calls with the time; what is to be done in the world goes out
 * as numbered effects, and what was seen as observations. Synchronous and deterministic: a simulator runs it as
 * it is, and a crash is the act of throwing it away.
 */
import type { DomainSummary, ObservedDomain } from '../hypervisor/hypervisor.js';
import type { StaySeen, VmDesired, VmSize } from './desired.js';
import type { Effect, EffectResult, FaultKind, Program } from './effects.js';
import type { Acceptance, Ledger, Permit, VmError } from './ledger.js';
import { newMemory, type VmMemory } from './memory.js';
import { fingerprint, type VmObservation, type VmState } from './observation.js';
import { converge, type ProgramContext, type Remarks, type Rest } from './program.js';
import type { GuardNeeds, LeaseStanding } from './step-context.js';

export interface Instant {
  /** Milliseconds since the machine was booted, also while it was asleep. */
  bootMs: number;
  wallMs: number;
}

export type ConvergerOutput =
  | { kind: 'perform'; ticket: number; uid: string; effect: Effect }
  /** The answer is not wanted any more; the effect may be abandoned and must still be answered. */
  | { kind: 'cancel'; ticket: number }
  /** `again`: whoever has heard it before does not know it any more. */
  | { kind: 'observe'; observation: VmObservation; again?: true };

interface Cell {
  uid: string;
  program: Program<Rest> | null;
  /** Of the effect that the program waits for. */
  ticket: number | null;
  effect: Effect | null;
  /** Something happened since the program looked. */
  dirty: boolean;
  wakeAt: number | null;
  memory: VmMemory;
  observation: VmObservation | null;
  /** As the domain was last seen; compared with the list of all domains. */
  seen: string;
  /** Whether its guest may run, as far as is known: one that was never defined cannot. */
  mayRun: boolean;
  /** A start of which it is not known how it has ended may still come about. */
  startUnsure: boolean;
}

const invalidArgument = 3;
/** After these a call may still be carried out; whatever else the hypervisor says of it, it was not. */
const saysNothing: ReadonlySet<FaultKind> = new Set<FaultKind>(['timeout', 'unavailable', 'cancelled']);
const maxRejections = 1_000;

export class Converger {
  readonly #ledger: Ledger;
  readonly #cells = new Map<string, Cell>();
  readonly #tickets = new Map<number, Cell>();
  /** VMs that were refused before they got a permit, because what was asked made no sense. */
  readonly #rejections = new Map<string, VmObservation>();
  /** Domains that carry our mark and that no permit names. */
  #unpermitted = new Set<string>();
  #isListed = false;
  /** What was asked before domains were listed, and is to be answered again then. */
  readonly #unjudged = new Map<string, { term: number; generation: number; problem: string }>();
  #foreignDomains = 0;
  #available = false;
  /** Of what the host may run of VMs that stop with its lease; `endsAt` is null when none was ever held. */
  #lease: { endsAt: number | null; guarded: boolean; standing: LeaseStanding } = {
    endsAt: null,
    guarded: true,
    standing: 'ended',
  };
  #now: Instant;
  #lastTicket = 0;
  #outputs: ConvergerOutput[] = [];

  constructor(ledger: Ledger, now: Instant) {
    this.#ledger = ledger;
    this.#now = now;
    for (const { uid, phase } of ledger.permits()) {
      const cell = this.#cell(uid);
      // An earlier process may have armed the watchdog for one that was about to start.
      cell.mayRun = phase !== 'refused' && phase !== 'gone';
    }
  }

  /** What is to be done since this was called last. */
  takeOutputs(): ConvergerOutput[] {
    const outputs = this.#outputs;
    this.#outputs = [];
    return outputs;
  }

  /** The scheduler's word about one VM, with what it has seen of it here. */
  desired(desired: VmDesired, now: Instant, stay?: StaySeen): Acceptance {
    this.#now = now;
    const acceptance = this.#ledger.accept(desired, stay);
    const cell = this.#cell(desired.uid);
    this.#rejections.delete(desired.uid);
    this.#unjudged.delete(desired.uid);
    if (acceptance === 'accepted') {
      cell.memory = { ...cell.memory, failure: null };
      if (cell.effect !== null && isAbandoned(cell.effect, desired)) this.#callOff(cell);
      this.#wake(cell);
    } else if (acceptance === 'confirmed') this.#wake(cell);
    else if (acceptance === 'stale' && cell.observation !== null)
      this.#outputs.push({ kind: 'observe', observation: cell.observation, again: true });
    return acceptance;
  }

  /** A word about a VM that cannot be obeyed. Only a VM of which nothing is here is refused (O6). */
  reject(uid: string, term: number, generation: number, problem: string, now: Instant): void {
    this.#now = now;
    const error = { code: invalidArgument, message: problem };
    const cell = this.#cells.get(uid);
    if (cell !== undefined) {
      this.#publish(cell, {
        ...(cell.observation ?? this.#unknown(cell)),
        error,
        toldGeneration: generation,
      });
      return;
    }
    if (this.#rejections.size >= maxRejections) return;
    if (!this.#isListed) this.#unjudged.set(uid, { term, generation, problem });
    const mayBeHere = this.#unpermitted.has(uid) || !this.#isListed || !this.#available;
    const state = mayBeHere ? 'unknown' : 'refused';
    const observation: VmObservation = {
      uid,
      term,
      // What is not known has reached nothing.
      generation: mayBeHere ? 0 : generation,
      state,
      rebootCount: 0,
      error,
      progress: '',
      toldGeneration: generation,
      sinceWallMs: now.wallMs,
    };
    this.#rejections.set(uid, observation);
    this.#outputs.push({ kind: 'observe', observation });
  }

  /** The answer to an effect. */
  performed(ticket: number, result: EffectResult, now: Instant): void {
    this.#now = now;
    const cell = this.#tickets.get(ticket);
    if (cell === undefined) return;
    this.#tickets.delete(ticket);
    cell.ticket = null;
    if (cell.effect !== null) noteWhetherItRuns(cell, cell.effect, result);
    cell.effect = null;
    this.#resume(cell, result);
  }

  /** How far a long effect has come, for people. */
  progress(ticket: number, text: string, now: Instant): void {
    this.#now = now;
    const cell = this.#tickets.get(ticket);
    if (cell?.observation) this.#publish(cell, { ...cell.observation, progress: text });
  }

  /**
   * The host's lease ends then, and its watchdog is armed or is not needed for VMs that stop with it (PROTOCOL.md L2). When that
   * makes a difference these are looked at again.
   */
  leased(endsAt: number | null, guarded: boolean, now: Instant): void {
    this.#now = now;
    const before = this.#lease.standing;
    const standing = standingOf(endsAt, guarded, now);
    this.#lease = { endsAt, guarded, standing };
    if (standing === before) return;
    for (const cell of this.#cells.values()) {
      if (this.#ledger.permit(cell.uid)?.desired.stopsOnLeaseLoss !== true) continue;
      // A hand-over may take longer than the watchdog waits.
      if (standing === 'ended' && cell.effect?.kind === 'migrate') this.#callOff(cell);
      this.#wake(cell);
    }
  }

  get leaseStanding(): LeaseStanding {
    return this.#lease.standing;
  }

  /** What VMs that stop with the lease need of the host's watchdog. */
  guardNeeds(): GuardNeeds {
    const needs = { wanted: false, needed: false, unknown: this.#unpermitted.size > 0 };
    for (const cell of this.#cells.values()) {
      const permit = this.#ledger.permit(cell.uid);
      if (permit?.desired.stopsOnLeaseLoss !== true) continue;
      if (this.#lease.standing !== 'ended' && isToRun(permit)) needs.wanted = true;
      if (cell.mayRun || cell.startUnsure) needs.needed = true;
    }
    return needs;
  }

  /** Something happened to this domain. */
  changed(uid: string, now: Instant): void {
    this.#now = now;
    const cell = this.#cells.get(uid);
    if (cell !== undefined) this.#wake(cell);
  }

  /** The guest was reset: a graceful reboot that was asked for is done. */
  rebooted(uid: string, now: Instant): void {
    this.#now = now;
    const cell = this.#cells.get(uid);
    if (cell !== undefined) cell.memory = { ...cell.memory, rebootUntil: null };
  }

  /** The hypervisor answers again: every VM is looked at, whatever was thought of it. */
  available(now: Instant): void {
    this.#now = now;
    this.#available = true;
    for (const cell of this.#cells.values()) this.#wake(cell);
  }

  /** The hypervisor does not answer: nothing is known of any VM until it does. */
  unavailable(now: Instant): void {
    this.#now = now;
    this.#available = false;
    this.#isListed = false;
    for (const cell of this.#cells.values()) {
      cell.wakeAt = null;
      cell.seen = '';
      this.#observe(cell, unseen(this.#ledger.permit(cell.uid)), null, null);
    }
  }

  /** The list of all domains: VMs that look different from what was seen last are looked at again. */
  listed(domains: DomainSummary[], now: Instant): void {
    this.#now = now;
    const listed = new Map(domains.map((domain) => [domain.uid, domain]));
    for (const cell of this.#cells.values()) {
      const domain = listed.get(cell.uid);
      if (cell.program === null && cell.seen !== sight(domain ?? null)) this.#wake(cell);
    }
    const unknown = domains.filter((domain) => this.#ledger.permit(domain.uid) === undefined);
    this.#foreignDomains = unknown.filter((domain) => !domain.ours).length;
    this.#unpermitted = new Set(unknown.filter((domain) => domain.ours).map(({ uid }) => uid));
    this.#isListed = true;
    const unjudged = [...this.#unjudged];
    this.#unjudged.clear();
    for (const [uid, { term, generation, problem }] of unjudged)
      this.reject(uid, term, generation, problem, now);
  }

  /** Starts what is due. */
  tick(now: Instant): void {
    this.leased(this.#lease.endsAt, this.#lease.guarded, now);
    for (const cell of this.#cells.values()) {
      if (cell.wakeAt !== null && cell.wakeAt <= now.bootMs) this.#wake(cell);
    }
  }

  nextWakeAt(): number | null {
    let next: number | null = null;
    for (const { uid, wakeAt } of this.#cells.values()) {
      if (wakeAt !== null && (next === null || wakeAt < next)) next = wakeAt;
      const { endsAt, standing } = this.#lease;
      if (standing === 'ended' || endsAt === null || (next !== null && endsAt >= next)) continue;
      if (this.#ledger.permit(uid)?.desired.stopsOnLeaseLoss === true) next = endsAt;
    }
    return next;
  }

  forget(uid: string): void {
    const cell = this.#cells.get(uid);
    if (cell?.program === null) this.#cells.delete(uid);
  }

  /** The newest observation of every VM. */
  observations(): VmObservation[] {
    // A word that came since it was looked at counts, also while the hypervisor does not answer.
    const seen = [...this.#cells.values()].map((cell) =>
      withRelease(cell.observation ?? this.#unknown(cell), this.#ledger.permit(cell.uid)),
    );
    return [...seen, ...this.#rejections.values()];
  }

  /** Whether domains were listed since the hypervisor answers. */
  get isListed(): boolean {
    return this.#isListed;
  }

  get foreignDomains(): number {
    return this.#foreignDomains;
  }

  #cell(uid: string): Cell {
    let cell = this.#cells.get(uid);
    if (cell === undefined) {
      const rest = { program: null, ticket: null, effect: null, dirty: false, wakeAt: null };
      // One that is new here runs only if it arrives from elsewhere, or if what is written of it was lost.
      const isThere = this.#unpermitted.has(uid) || !this.#isListed;
      const mayRun = isThere || this.#ledger.permit(uid)?.desired.role === 'receive';
      const run = { mayRun, startUnsure: false };
      cell = { uid, ...rest, memory: newMemory(), observation: null, seen: '', ...run };
      this.#cells.set(uid, cell);
    }
    return cell;
  }

  #wake(cell: Cell): void {
    cell.wakeAt = null;
    if (cell.program !== null) {
      if (this.#waitsInVain(cell)) this.#callOff(cell);
      else cell.dirty = true;
      return;
    }
    if (!this.#available) return;
    cell.dirty = false;
    cell.program = converge(this.#contextOf(cell));
    this.#resume(cell, null);
  }

  #resume(cell: Cell, result: EffectResult | null): void {
    if (cell.program === null) return;
    const next = result === null ? cell.program.next() : cell.program.next(result);
    if (next.done) {
      cell.program = null;
      cell.wakeAt = this.#available ? next.value.wakeAt : null;
      if (cell.dirty) this.#wake(cell);
      return;
    }
    cell.ticket = ++this.#lastTicket;
    cell.effect = next.value;
    if (next.value.kind === 'start') cell.mayRun = true;
    this.#tickets.set(cell.ticket, cell);
    this.#outputs.push({ kind: 'perform', ticket: cell.ticket, uid: cell.uid, effect: next.value });
    if (!cell.dirty || !this.#waitsInVain(cell)) return;
    cell.dirty = false;
    this.#callOff(cell);
  }

  #callOff({ ticket }: Cell): void {
    if (ticket !== null) this.#outputs.push({ kind: 'cancel', ticket });
  }

  /** Its power may have to be taken at once, and it waits for a disk that may hang (L2): whoever waits no more looks first. */
  #waitsInVain({ uid, effect }: Cell): boolean {
    const stops = this.#ledger.permit(uid)?.desired.stopsOnLeaseLoss === true;
    return effect?.kind === 'persist' && stops && this.#lease.standing === 'ended';
  }

  #contextOf(cell: Cell): ProgramContext {
    const now = () => this.#now;
    return {
      uid: cell.uid,
      ledger: this.#ledger,
      get memory() {
        return cell.memory;
      },
      set memory(memory) {
        cell.memory = memory;
      },
      now: () => now().bootMs,
      wallMs: () => now().wallMs,
      lease: () => standingOf(this.#lease.endsAt, this.#lease.guarded, now()),
      observe: (state, domain, error, more) => {
        cell.seen = sight(domain);
        if (this.#available) this.#observe(cell, state, domain, error, more);
      },
    };
  }

  #observe(
    cell: Cell,
    state: VmState,
    domain: ObservedDomain | null,
    error: VmError | null,
    { toldGeneration, unwritten = false, progress = '' }: Remarks = {},
  ): void {
    const permit = this.#ledger.permit(cell.uid);
    if (permit === undefined) return;
    const last = cell.observation;
    const known = state === 'unknown' && domain === null;
    // "Nothing of it is here", "refused" and "it may arrive" are answers to what was asked; else it is what libvirt agrees with.
    const answered = state === 'absent' || state === 'refused' || (state === 'awaited' && this.#available);
    const reached = known ? (last?.generation ?? 0) : (domain?.metadata?.generation ?? 0);
    // One that came here by a word that this ledger does not have is said to be of the term that it carries: whoever says a word
    // under an older one, as a restored journal would, is not obeyed.
    const carried = known ? (last?.term ?? 0) : (domain?.metadata?.term ?? 0);
    this.#publish(cell, {
      uid: cell.uid,
      term: Math.max(permit.term, carried),
      generation: answered ? permit.desired.generation : reached,
      state,
      rebootCount: known ? (last?.rebootCount ?? 0) : (domain?.metadata?.rebootCount ?? 0),
      error,
      progress,
      ...(permit.desired.hardware === undefined ? {} : { numaCells: permit.desired.hardware.cells }),
      size: sizeOf(domain),
      toldGeneration: unwritten ? (last?.toldGeneration ?? 0) : (toldGeneration ?? permit.desired.generation),
      sinceWallMs: last?.state === state ? last.sinceWallMs : this.#now.wallMs,
    });
  }

  #publish(cell: Cell, seen: VmObservation): void {
    const observation = withRelease(seen, this.#ledger.permit(cell.uid));
    const same = cell.observation !== null && fingerprint(cell.observation) === fingerprint(observation);
    cell.observation = observation;
    if (!same) this.#outputs.push({ kind: 'observe', observation });
  }

  #unknown(cell: Cell): VmObservation {
    const permit = this.#ledger.permit(cell.uid);
    const state = unseen(permit);
    return {
      uid: cell.uid,
      term: permit?.term ?? 0,
      generation: state === 'absent' ? (permit?.desired.generation ?? 0) : 0,
      state,
      rebootCount: 0,
      error: null,
      progress: '',
      toldGeneration: 0,
      sinceWallMs: this.#now.wallMs,
    };
  }
}

/** Keeps up with whether a domain may run: what was looked at says so, until something starts it. */
function noteWhetherItRuns(cell: Cell, effect: Effect, result: EffectResult): void {
  if (effect.kind === 'start' && !result.ok && saysNothing.has(result.fault.kind)) cell.startUnsure = true;
  // What is not defined any more cannot be started.
  if (effect.kind === 'undefine' && result.ok) cell.startUnsure = false;
  if (effect.kind !== 'inspect' || !result.ok) return;
  const domain = result.value as ObservedDomain | null;
  cell.mayRun = domain !== null && domain.power.kind !== 'off';
  if (cell.mayRun) cell.startUnsure = false;
}

function standingOf(endsAt: number | null, guarded: boolean, { bootMs }: Instant): LeaseStanding {
  if (endsAt === null || bootMs >= endsAt) return 'ended';
  return guarded ? 'held' : 'unguarded';
}

function isToRun({ phase, desired: { role } }: Permit): boolean {
  return phase !== 'refused' && phase !== 'gone' && (role === 'run' || role === 'send' || role === 'receive');
}

/** Whether an effect that is under way is not wanted any more. */
function isAbandoned(effect: Effect, { role, peerUri }: VmDesired): boolean {
  if (effect.kind === 'fetchImage') return role !== 'run' && role !== 'stopped';
  return effect.kind === 'migrate' && (role !== 'send' || peerUri !== effect.peerUri);
}

/**
 * What is said of a VM at which nobody has looked: of one that was taken away, or never came, that nobody has it here for
 * certain. In a recovery this host would be taken for its owner otherwise (E2).
 */
function unseen(permit: Permit | undefined): VmState {
  if (permit?.phase === 'gone') return 'absent';
  return permit?.desired.role === 'receive' && permit.phase !== 'defined' ? 'awaited' : 'unknown';
}

function withRelease({ released: _, ...seen }: VmObservation, permit: Permit | undefined): VmObservation {
  const isReleased =
    permit?.desired.role === 'released' && permit.phase !== 'gone' && seen.term <= permit.term;
  return isReleased ? { ...seen, released: true } : seen;
}

/** The size of a domain of ours. */
function sizeOf(domain: ObservedDomain | null): VmSize | undefined {
  if (domain === null || domain.metadata === null) return undefined;
  return { ...domain.compute, diskMib: domain.metadata.diskMib ?? 0 };
}

/** A domain's looks in one word, for comparing what was seen with what is listed. */
function sight(domain: { power: ObservedDomain['power'] } | null): string {
  return domain === null ? 'absent' : domain.power.kind;
}
