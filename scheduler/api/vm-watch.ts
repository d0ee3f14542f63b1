/**
 * WatchVms: all VMs that match, then SYNCED, then each that changes. A watch shows what a VM has become, not every
 * step between; a slow reader is waited for, and one that falls too far behind is told to begin again.
 */
import type { handleServerStreamingCall, MethodDefinition, ServerWritableStream } from '@grpc/grpc-js';
import type { WatchVmsRequest__Output } from '../../proto/gen/secovia/v1/WatchVmsRequest.js';
import type { WatchVmsResponse } from '../../proto/gen/secovia/v1/WatchVmsResponse.js';
import type { Vm } from '../core/model.js';
import { notFound } from '../core/refusal.js';
import type { Committed, Engine } from '../engine.js';
import { Fields } from './fields.js';
import type { Predicate } from './filter.js';
import { filterOf } from './filters.js';
import { type Arrived, type CallContext, streaming } from './methods.js';
import { vmMessage } from '../render/vm.js';
import { statusOf } from './status.js';
import { vmFilterSchema } from './vm-filter.js';
import { WatchRing } from './watch-ring.js';

/** VMs that are rendered before the event loop is let go. */
const chunk = 500;
/** Changes that are looked at before it is let go, whether they are shown or not. */
const scanned = 5000;
const heartbeatMs = 15_000;

type Stream = ServerWritableStream<Arrived<unknown>, WatchVmsResponse>;

/** Everybody's ring, fed by the engine. A host that changes its state changes what its VMs show. */
export function watchRingOf(engine: Engine): WatchRing {
  const ring = new WatchRing(engine.head.sequence);
  engine.onCommitted((committed) => ring.add(committed.sequence, changedVms(engine, committed)));
  return ring;
}

function* changedVms(engine: Engine, { touched }: Committed): Iterable<{ vm: Vm; removed: boolean }> {
  const { state } = engine;
  for (const vm of touched.removed.vm.values()) yield { vm, removed: true };
  for (const vm of touched.written.vm.values()) yield { vm, removed: false };
  for (const id of touched.written.host.keys()) {
    if (!hostStateChanged(engine, id)) continue;
    for (const vm of state.vmsOfHost(id)) if (!touched.written.vm.has(vm.uid)) yield { vm, removed: false };
  }
}

const shownHostStates = new WeakMap<Engine, Map<string, string>>();

function hostStateChanged(engine: Engine, id: string): boolean {
  let shown = shownHostStates.get(engine);
  if (shown === undefined) {
    shown = new Map();
    shownHostStates.set(engine, shown);
  }
  const now = engine.state.hosts.get(id)?.state ?? '';
  const before = shown.get(id);
  shown.set(id, now);
  return before !== now;
}

export function watchVms(ring: WatchRing) {
  return (
    method: MethodDefinition<unknown, unknown>,
    context: CallContext,
  ): handleServerStreamingCall<Arrived<unknown>, WatchVmsResponse> =>
    (call) =>
      streaming(method, context, call, (request: WatchVmsRequest__Output) =>
        begin(ring, context, call, request),
      );
}

function begin(
  ring: WatchRing,
  { engine }: CallContext,
  call: Stream,
  request: WatchVmsRequest__Output,
): void {
  const fields = new Fields();
  const parent = request.parent || 'administrations/-';
  const administration = fields.name('parent', 'administration', parent);
  const matches = filterOf(fields, request.filter, vmFilterSchema(engine.state));
  const resume = resumeIn(fields, request.resumeToken);
  const unknown = administration !== '-' && !engine.state.administrations.has(administration);
  const refusal = fields.refusal ?? (unknown ? notFound('administration', parent) : null);
  if (refusal) {
    call.emit('error', statusOf(refusal));
    return;
  }
  const watch = new VmWatch(engine, ring, call, administration, matches);
  call.on('cancelled', () => watch.stop());
  call.on('close', () => watch.stop());
  call.on('error', () => watch.stop());
  void watch.run(resume);
}

/** Lets everybody else have the event loop for a turn: what resolves at once does not. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** The sequence in a resume token of this journal; null when none was given. */
function resumeIn(fields: Fields, token: string): { incarnation: number; sequence: number } | null {
  if (token === '') return null;
  const match = /^([0-9]{1,9})\.([0-9]{1,15})$/.exec(token);
  if (match === null) {
    fields.fault('resume_token', 'is not a token of a watch; begin again without one');
    return null;
  }
  return { incarnation: Number(match[1]), sequence: Number(match[2]) };
}

class VmWatch {
  /** The VMs that the watcher has been shown, kept only where a filter can make one disappear. */
  readonly #shown: Set<string> | null;
  /** Ends the wait for something new. */
  #wake: (() => void) | null = null;
  /** Ends the wait for a slow reader. */
  #release: (() => void) | null = null;
  #stopped = false;

  constructor(
    private readonly engine: Engine,
    private readonly ring: WatchRing,
    private readonly call: Stream,
    private readonly administration: string,
    private readonly matches: Predicate<Vm>,
  ) {
    this.#shown = (call.request.message as WatchVmsRequest__Output).filter.trim() === '' ? null : new Set();
  }

  stop(): void {
    this.#stopped = true;
    this.#wake?.();
    this.#release?.();
  }

  async run(resume: { incarnation: number; sequence: number } | null): Promise<void> {
    const forget = this.ring.onChange(() => this.#wake?.());
    try {
      const { incarnation } = this.engine.state.federation.epoch;
      let cursor: number | null = null;
      // With a filter it is not known what this watcher was shown, so a resumed one begins again.
      if (resume !== null && resume.incarnation === incarnation && this.#shown === null) {
        cursor = resume.sequence <= this.engine.head.sequence ? this.ring.after(resume.sequence) : null;
      }
      if (cursor === null) {
        if (resume !== null) await this.#send({ type: 'WATCH_EVENT_TYPE_RESET' });
        cursor = await this.#sendAll();
      }
      while (!this.#stopped) {
        if (this.ring.isLost(cursor)) {
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
    }
  }

  async #sendAll(): Promise<number> {
    const cursor = this.ring.end;
    const { sequence } = this.engine.head;
    this.#shown?.clear();
    let after = 0;
    for (;;) {
      const messages: WatchVmsResponse[] = [];
      let rows = 0;
      for (const vm of this.engine.state.vmOrder.after(after)) {
        if (rows === chunk) break;
        rows += 1;
        after = vm.createdSequence;
        if (this.#wants(vm)) messages.push(this.#updated(vm));
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
    let cursor = from;
    while (messages.length < chunk && cursor - from < scanned) {
      const entry = this.ring.at(cursor);
      if (entry === null) break;
      cursor += 1;
      const { vm, removed, seen } = entry;
      if (this.administration !== '-' && vm.administration !== this.administration) continue;
      // A VM that is gone by now has an entry of its own that says so.
      if (!removed && !this.engine.state.vms.has(vm.uid)) continue;
      if (!removed && this.matches(vm)) {
        messages.push({ ...this.#updated(vm), resumeToken: this.#token(seen) });
      } else if (this.#shown === null || this.#shown.delete(vm.uid)) {
        messages.push({
          type: 'WATCH_EVENT_TYPE_REMOVED',
          vm: vmMessage(this.engine.state, vm, removed),
          resumeToken: this.#token(seen),
        });
      }
    }
    // What was rendered may be newer than the entry, and not durable yet.
    if (messages.length > 0) await this.engine.readable();
    for (const message of messages) await this.#send(message);
    return cursor;
  }

  #wants(vm: Vm): boolean {
    return (this.administration === '-' || vm.administration === this.administration) && this.matches(vm);
  }

  #updated(vm: Vm): WatchVmsResponse {
    this.#shown?.add(vm.uid);
    return { type: 'WATCH_EVENT_TYPE_UPDATED', vm: vmMessage(this.engine.state, vm) };
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
