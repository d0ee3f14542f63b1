/** One watch of VMs, from the first that it shows until its reader goes away, or may see them no longer. */
import type { ServerWritableStream } from '@grpc/grpc-js';
import type { WatchVmsRequest__Output } from '../../proto/gen/secovia/v1/WatchVmsRequest.js';
import type { WatchVmsResponse } from '../../proto/gen/secovia/v1/WatchVmsResponse.js';
import type { Caller } from '../core/access/caller.js';
import type { Sight } from '../core/access/sight.js';
import type { Vm } from '../core/model.js';
import type { Engine } from '../engine.js';
import { lostFromSight, vmInSight } from '../render/in-sight.js';
import { sightOf } from './authorization.js';
import type { Predicate } from './filter.js';
import type { Arrived } from './methods.js';
import { Subtree } from './subtree.js';
import type { WatchRing } from './watch-ring.js';

/** VMs that are rendered before the event loop is let go. */
const chunk = 500;
/** Changes that are looked at before it is let go, whether they are shown or not. */
const scanned = 5000;
const heartbeatMs = 15_000;

export type WatchStream = ServerWritableStream<Arrived<unknown>, WatchVmsResponse>;

/** Lets everybody else have the event loop for a turn: what resolves at once does not. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Where a journal was left. */
export interface Resume {
  incarnation: number;
  sequence: number;
}

export class VmWatch {
  /** The VMs that the watcher has been shown, kept only where one can disappear: from a filter, or from an operator's hosts. */
  readonly #shown: Set<string> | null;
  /** Ends the wait for something new. */
  #wake: (() => void) | null = null;
  /** Ends the wait for a slow reader. */
  #release: (() => void) | null = null;
  #stopped = false;
  /** What the watch is about, where moves in the tree can change that. */
  readonly #subtree: Subtree | null;

  constructor(
    private readonly engine: Engine,
    private readonly ring: WatchRing,
    private readonly call: WatchStream,
    private readonly caller: Caller,
    private readonly administration: string,
    private readonly matches: Predicate<Vm>,
  ) {
    const sight = sightOf(engine, caller);
    const isFiltered = (call.request.message as WatchVmsRequest__Output).filter.trim() !== '';
    this.#shown = isFiltered || sight.partner !== null ? new Set() : null;
    this.#subtree =
      administration === '-' && sight.top !== null ? new Subtree(engine.state, sight.top) : null;
  }

  stop(): void {
    this.#stopped = true;
    this.#wake?.();
    this.#release?.();
  }

  async run(resume: Resume | null): Promise<void> {
    const forget = this.ring.onChange(() => this.#wake?.());
    const forgetMoves = this.#subtree?.onMove(this.engine, () => this.#wake?.());
    try {
      const { incarnation } = this.engine.state.federation.epoch;
      let cursor: number | null = null;
      // Where VMs can disappear it is not known what this watcher was shown, so a resumed one begins again.
      const isAllShown = this.#shown === null && this.#subtree === null;
      if (resume !== null && resume.incarnation === incarnation && isAllShown) {
        cursor = resume.sequence <= this.engine.head.sequence ? this.ring.after(resume.sequence) : null;
      }
      if (cursor === null) {
        if (resume !== null) await this.#send({ type: 'WATCH_EVENT_TYPE_RESET' });
        cursor = await this.#sendAll();
      }
      while (!this.#stopped) {
        if (this.ring.isLost(cursor) || this.#subtree?.hasMoved() === true) {
          await this.#send({ type: 'WATCH_EVENT_TYPE_RESET' });
          cursor = await this.#sendAll();
        }
        cursor = await this.#sendChanges(cursor);
        if (cursor < this.ring.end) await turn();
        if (cursor === this.ring.end && !this.#stopped && (await this.#idle()) === 'quiet') {
          await this.#send({
            type: 'WATCH_EVENT_TYPE_HEARTBEAT',
            resumeToken: this.#token(this.engine.head.sequence),
          });
        }
      }
    } finally {
      forget();
      forgetMoves?.();
    }
  }

  async #sendAll(): Promise<number> {
    const cursor = this.ring.end;
    const { sequence } = this.engine.head;
    this.#shown?.clear();
    let after = 0;
    for (;;) {
      const messages: WatchVmsResponse[] = [];
      const sight = this.#sight();
      let rows = 0;
      for (const vm of this.engine.state.vmOrder.after(after)) {
        if (rows === chunk) break;
        rows += 1;
        after = vm.createdSequence;
        if (this.#wants(vm, sight)) messages.push(this.#updated(vm, sight));
      }
      await this.engine.readable();
      for (const message of messages) await this.#send(message);
      if (rows < chunk || this.#stopped) break;
      await turn();
    }
    await this.#send({ type: 'WATCH_EVENT_TYPE_SYNCED', resumeToken: this.#token(sequence) });
    return cursor;
  }

  async #sendChanges(from: number): Promise<number> {
    const messages: WatchVmsResponse[] = [];
    const sight = this.#sight();
    const { state } = this.engine;
    let cursor = from;
    while (messages.length < chunk && cursor - from < scanned) {
      const entry = this.ring.at(cursor);
      if (entry === null) break;
      cursor += 1;
      const { vm, removed, seen } = entry;
      if (this.administration !== '-' && vm.administration !== this.administration) continue;
      // A VM that is gone by now has an entry of its own that says so.
      if (!removed && !state.vms.has(vm.uid)) continue;
      const isSeen = sight.vm(vm);
      if (!removed && isSeen && this.matches(vm)) {
        messages.push({ ...this.#updated(vm, sight), resumeToken: this.#token(seen) });
      } else if (this.#shown === null ? isSeen : this.#shown.delete(vm.uid)) {
        const message = vmInSight(state, sight, vm, removed);
        messages.push({
          type: 'WATCH_EVENT_TYPE_REMOVED',
          vm: isSeen ? message : lostFromSight(message),
          resumeToken: this.#token(seen),
        });
      }
    }
    // What was rendered may be newer than the entry, and not durable yet.
    if (messages.length > 0) await this.engine.readable();
    for (const message of messages) await this.#send(message);
    return cursor;
  }

  /** Anew for each turn: it is what the caller may see then. */
  #sight(): Sight {
    return sightOf(this.engine, this.caller);
  }

  #wants(vm: Vm, sight: Sight): boolean {
    const isAsked = this.administration === '-' || vm.administration === this.administration;
    return isAsked && sight.vm(vm) && this.matches(vm);
  }

  #updated(vm: Vm, sight: Sight): WatchVmsResponse {
    this.#shown?.add(vm.uid);
    return { type: 'WATCH_EVENT_TYPE_UPDATED', vm: vmInSight(this.engine.state, sight, vm) };
  }

  #token(sequence: number): string {
    return `${this.engine.state.federation.epoch.incarnation}.${sequence}`;
  }

  /** Writes, and waits while the reader is slow. */
  async #send(message: WatchVmsResponse): Promise<void> {
    if (this.#stopped || this.call.write(message)) return;
    await new Promise<void>((resolve) => {
      this.#release = resolve;
      this.call.once('drain', resolve);
    });
    this.#release = null;
  }

  /** Waits for something new, or says that nothing came for a while. */
  async #idle(): Promise<'woken' | 'quiet'> {
    let timer: NodeJS.Timeout | undefined;
    const result = await new Promise<'woken' | 'quiet'>((resolve) => {
      this.#wake = () => resolve('woken');
      timer = setTimeout(() => resolve('quiet'), heartbeatMs);
    });
    clearTimeout(timer);
    this.#wake = null;
    return result;
  }
}
