/**
 * The loop around the core: it hands commands to `decide`, applies what comes out, and sends it to the store in
 * group commits. A decision counts at once for the next one, but nothing of it may leave the process before it is
 * durable: whoever answers, reads or tells waits for `durable(sequence)` first (PROTOCOL S1).
 */
import { type Actor, schedulerActor } from './core/access/caller.js';
import { apply } from './core/apply.js';
import { Audience } from './core/audit/audience.js';
import { changeText } from './core/audit/change-text.js';
import { changeEnd, endLine } from './core/audit/line.js';
import type { Change } from './core/changes.js';
import type { CommandOf, CommandType, ReplyOf } from './core/commands.js';
import { decide } from './core/decide.js';
import type { Refusal } from './core/refusal.js';
import type { State } from './core/state.js';
import { takeDue } from './core/tenancy/due.js';
import { entityKinds, rowOf, type Touched } from './core/touched.js';
import type { Batch, JournalHead, KeptRequest } from './store/store.js';
import { processTimers, type Timers } from './timers.js';

/** Decisions that may wait for the disk before new ones are turned away. */
export const backlogLimit = 20_000;

/**
 * A group of this many goes to an idle disk at once, so that deciding and writing overlap even when many calls arrive
 * in one turn.
 */
const earlyFlush = 16;

export type Outcome<R> = { reply: R; sequence: number; refusal?: undefined } | { refusal: Refusal };

/** What a group commit has made durable. */
export interface Committed {
  sequence: number;
  touched: Touched;
}

interface Group {
  /** Its part of the journal, in pieces. */
  journal: string[];
  decisions: number;
  first: number;
  requests: KeptRequest[];
  forgetRequestsBefore: number;
  /** Called when it is on disk. */
  waiting: (() => void)[];
}

function newGroup(first: number): Group {
  return { journal: [], decisions: 0, first, requests: [], forgetRequestsBefore: 0, waiting: [] };
}

/** What the engine needs of a store. A simulator's answers in the very moment in which its disk is done. */
export interface Committer {
  commit(batch: Batch): PromiseLike<JournalHead>;
}

/** Hears of the engine's work while it does it, and must be quick. */
export interface EngineObserver {
  /** A command was decided and what it changes applied; `changes` is 0 for a refusal. */
  decided(command: CommandType, refusal: Refusal | null, changes: number, tookMs: number): void;
  /** A group commit is on disk. */
  committed(decisions: number, tookMs: number): void;
}

export interface EngineOptions {
  state: State;
  store: Committer;
  head: JournalHead;
  /** Milliseconds since 1970. */
  clock(): number;
  /**
   * The store has failed, or a change did not fit the state: the process must end (PROTOCOL S2). No promise of this
   * engine settles any more.
   */
  onFatal(error: Error): void;
  timers?: Timers;
  observer?: EngineObserver;
}

export class Engine {
  readonly state: State;
  readonly timers: Timers;
  readonly #store: Committer;
  readonly #clock: () => number;
  readonly #onFatal: (error: Error) => void;
  readonly #listeners = new Set<(committed: Committed) => void>();
  #head: JournalHead;
  #open: Group;
  #flying: Group | null = null;
  #scheduled = false;
  /** What is left to review waits for its turn. */
  #reviewing = false;
  #dead = false;
  #actor: Actor = schedulerActor;
  readonly #observer: EngineObserver | null;
  /** When what is on its way to the disk was sent there; 0 while nothing is. */
  #flyingSinceMs = 0;

  constructor(options: EngineOptions) {
    this.state = options.state;
    this.#store = options.store;
    this.#head = options.head;
    this.#clock = options.clock;
    this.#onFatal = options.onFatal;
    this.timers = options.timers ?? processTimers;
    this.#open = newGroup(options.state.sequence + 1);
    this.#observer = options.observer ?? null;
  }

  /** Now: the wall clock, but never before the journal's last time (PROTOCOL E3). */
  now(): number {
    return Math.max(this.#clock(), this.state.lastMs);
  }

  /** The newest durable point of the journal. */
  get head(): JournalHead {
    return this.#head;
  }

  /** Decisions that wait for the disk. */
  get backlog(): number {
    return this.#open.decisions;
  }

  /** How long the disk has been at what it writes now, in milliseconds; 0 when it is idle. */
  get writingForMs(): number {
    return this.#flying === null ? 0 : performance.now() - this.#flyingSinceMs;
  }

  /** Whatever `work` decides, in this turn, is by this actor's word. */
  actingFor<T>(actor: Actor, work: () => T): T {
    this.#actor = actor;
    try {
      return work();
    } finally {
      this.#actor = schedulerActor;
    }
  }

  /** Decides and applies. What it returns must not leave the process before `durable(sequence)`. */
  run<T extends CommandType>(command: CommandOf<T>): Outcome<ReplyOf<T>> {
    // Before the decision, not after: what is kept with the one before must go with it.
    if (this.#flying === null && this.#open.decisions >= earlyFlush) this.#flush();
    const nowMs = this.now();
    this.#catchUp(nowMs);
    const began = this.#observer === null ? 0 : performance.now();
    const decision = decide(this.state, command, nowMs);
    if (decision.refusal) {
      this.#observer?.decided(command.type, decision.refusal, 0, performance.now() - began);
      return { refusal: decision.refusal };
    }
    const { changes } = decision;
    if (changes.length > 0) this.#append(changes, nowMs, this.#actor);
    this.#observer?.decided(command.type, null, changes.length, performance.now() - began);
    if (changes.length > 0) this.#catchUp(nowMs);
    return { reply: decision.reply(this.state), sequence: this.state.sequence };
  }

  /**
   * Decides what `run` would, and leaves everything as it is. The reply of what makes something shows it as it would
   * be; what a command changes, it would show unchanged, so only those that make something can be asked.
   */
  preview<T extends 'vm.create'>(command: CommandOf<T>): Outcome<ReplyOf<T>> {
    this.catchUp();
    const decision = decide(this.state, command, this.now());
    if (decision.refusal) return { refusal: decision.refusal };
    return { reply: decision.reply(this.state), sequence: this.state.sequence };
  }

  /** Decides what is due by now without anybody asking: what begins and ends at a time, and what follows from it. */
  catchUp(): void {
    if (!this.#dead) this.#catchUp(this.now());
  }

  #catchUp(nowMs: number): void {
    const { tenancy } = this.state;
    while (tenancy.nextMs <= nowMs) this.#decideDue(nowMs);
    if (!tenancy.hasUnreviewed || this.#reviewing) return;
    this.#decideDue(nowMs);
    if (!tenancy.hasUnreviewed) return;
    // A part in each turn: what is left keeps nobody from being answered.
    this.#reviewing = true;
    this.timers.turn(() => {
      this.#reviewing = false;
      this.catchUp();
    });
  }

  #decideDue(nowMs: number): void {
    const command = takeDue(this.state, nowMs);
    if (command === null) return;
    const began = this.#observer === null ? 0 : performance.now();
    const decision = decide(this.state, command, nowMs);
    const changes = decision.refusal ? [] : decision.changes;
    // Whoever has called meanwhile did not ask for it.
    if (changes.length > 0) this.#append(changes, nowMs, schedulerActor);
    this.#observer?.decided(
      command.type,
      decision.refusal ?? null,
      changes.length,
      performance.now() - began,
    );
  }

  /**
   * The sequence with which an answer that is kept now becomes durable. A call that changed nothing gets an empty
   * decision of its own, or its answer would wait for a stranger's.
   */
  keepingSequence(): number {
    if (this.#open.decisions === 0) this.#append([], this.now(), schedulerActor);
    return this.state.sequence;
  }

  /** Keeps a call's answer in the commit of `keepingSequence`, and forgets older rows. */
  keepReply(request: KeptRequest, forgetRequestsBefore: number): void {
    this.#open.requests.push(request);
    this.#open.forgetRequestsBefore = Math.max(this.#open.forgetRequestsBefore, forgetRequestsBefore);
    this.#schedule();
  }

  /** Calls back when everything up to this sequence is on disk; at once when it is. */
  whenDurable(sequence: number, callback: () => void): void {
    if (sequence <= this.#head.sequence) callback();
    else if (this.#flying !== null && sequence < this.#open.first) this.#flying.waiting.push(callback);
    else this.#open.waiting.push(callback);
  }

  /** Resolves when everything up to this sequence is on disk. */
  durable(sequence: number): Promise<void> {
    return new Promise((resolve) => this.whenDurable(sequence, resolve));
  }

  /** Calls back when everything that a reader can see now is on disk; at once when it is. */
  whenReadable(callback: () => void): void {
    this.whenDurable(this.state.sequence, callback);
  }

  /** Resolves when everything that a reader can see now is on disk. */
  readable(): Promise<void> {
    return this.durable(this.state.sequence);
  }

  /** Calls back after every group commit. Returns the function that ends it. */
  onCommitted(listener: (committed: Committed) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #append(changes: Change[], nowMs: number, actor: Actor): void {
    const { journal } = this.#open;
    const start = journal.length;
    // Before `apply`: changes carry entities that apply goes on to mutate.
    this.#write(changes, nowMs);
    const audience = new Audience();
    try {
      // VMs of one decision are mostly on few hosts.
      this.state.hostTable.claimTogether(() => {
        for (const change of changes) {
          audience.before(this.state, change);
          apply(this.state, change, nowMs);
          audience.after(this.state, change);
        }
      });
    } catch (error) {
      // Half of a decision is in the state, and must not reach the disk.
      this.#dead = true;
      this.#onFatal(error as Error);
      throw error;
    }
    const { partners, administrations } = audience;
    endLine(journal, start, actor, partners, this.#number(partners.keys()), administrations);
    this.state.sequence += 1;
    this.state.lastMs = nowMs;
    this.#schedule();
  }

  /** Begins a line of the journal: when, and what. */
  #write(changes: readonly Change[], nowMs: number): void {
    const { journal } = this.#open;
    journal.push(`${this.#open.decisions === 0 ? '' : '\n'}[${nowMs},[`);
    for (let index = 0; index < changes.length; index += 1) {
      if (index > 0) journal.push(changeEnd);
      changeText(this.state, changes[index] as Change, journal);
    }
    this.#open.decisions += 1;
  }

  /** Counts a decision for each partner that it concerns. */
  #number(partners: Iterable<string>): Map<string, number> {
    const numbers = new Map<string, number>();
    for (const partner of partners) {
      const number = this.state.audit.last(partner) + 1;
      this.state.audit.set(partner, number, this.state.touched);
      numbers.set(partner, number);
    }
    return numbers;
  }

  /** Commits at the end of this turn of the event loop, so that whatever came together goes together. */
  #schedule(): void {
    if (this.#scheduled || this.#flying !== null || this.#dead) return;
    this.#scheduled = true;
    this.timers.turn(() => {
      this.#scheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    if (this.#flying !== null || this.#dead || this.#open.decisions === 0) return;
    const group = this.#open;
    const last = this.state.sequence;
    const touched = this.state.takeTouched();
    this.#flying = group;
    this.#flyingSinceMs = performance.now();
    this.#open = newGroup(last + 1);
    const batch = this.#batch(group, last, touched);
    this.#store.commit(batch).then(
      (head) => this.#committed(group, head, touched),
      (error: Error) => {
        this.#dead = true;
        this.#onFatal(error);
      },
    );
  }

  #batch(group: Group, last: number, touched: Touched): Batch {
    const puts: Batch['puts'] = [];
    const deletes: Batch['deletes'] = [];
    for (const kind of entityKinds) {
      for (const [key, entity] of touched.written[kind]) {
        const row = rowOf(entity);
        const piece = touched.pieceOf(entity);
        if (piece === undefined) puts.push({ kind, key, row, body: JSON.stringify(entity) });
        else puts.push({ kind, key, row, body: group.journal[piece] as string, piece });
      }
      for (const [key, entity] of touched.removed[kind]) deletes.push({ kind, key, row: rowOf(entity) });
    }
    return {
      epoch: this.state.federation.epoch,
      first: group.first,
      last,
      atMs: this.state.lastMs,
      journal: group.journal,
      puts,
      deletes,
      requests: group.requests,
      forgetRequestsBefore: group.forgetRequestsBefore,
    };
  }

  #committed(group: Group, head: JournalHead, touched: Touched): void {
    this.#head = head;
    this.#flying = null;
    this.#observer?.committed(group.decisions, performance.now() - this.#flyingSinceMs);
    // The disk first: it works while the answers go out.
    this.#flush();
    for (const callback of group.waiting) callback();
    for (const listener of this.#listeners) listener({ sequence: head.sequence, touched });
  }
}
