/**
 * WatchVms: all VMs that match, then SYNCED, then each that changes. A watch shows what a VM has become, not every
 * step between; a slow reader is waited for, and one that falls too far behind is told to begin again.
 */
import type { handleServerStreamingCall, MethodDefinition } from '@grpc/grpc-js';
import type { WatchVmsRequest__Output } from '../../proto/gen/secovia/v1/WatchVmsRequest.js';
import type { WatchVmsResponse } from '../../proto/gen/secovia/v1/WatchVmsResponse.js';
import type { Caller } from '../core/access/caller.js';
import type { Vm } from '../core/model.js';
import { notFound } from '../core/refusal.js';
import type { Committed, Engine } from '../engine.js';
import { sightOf } from './authorization.js';
import { Fields } from './fields.js';
import { filterOf } from './filters.js';
import { type Arrived, type CallContext, streaming } from './methods.js';
import { refusing } from './refusing.js';
import { whileAllowed } from './stream-access.js';
import { vmFilterSchema } from './vm-filter.js';
import { type Resume, VmWatch, type WatchStream } from './vm-watching.js';
import { WatchRing } from './watch-ring.js';

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
      streaming(method, context, call, (request: WatchVmsRequest__Output, caller) => {
        const watch = begin(ring, context, call, request, caller);
        if (watch === null) return;
        const ended = refusing(context.engine, (status) => call.emit('error', status));
        const forget = whileAllowed(context, method.path, request, caller, ended);
        for (const event of ['cancelled', 'close', 'error']) call.on(event, forget);
      });
}

function begin(
  ring: WatchRing,
  { engine }: CallContext,
  call: WatchStream,
  request: WatchVmsRequest__Output,
  caller: Caller,
): VmWatch | null {
  const fields = new Fields();
  const parent = request.parent || 'administrations/-';
  const administration = fields.name('parent', 'administration', parent);
  const matches = filterOf(fields, request.filter, vmFilterSchema(engine.state, sightOf(engine, caller)));
  const resume = resumeIn(fields, request.resumeToken);
  const unknown = administration !== '-' && !engine.state.administrations.has(administration);
  const refusal = fields.refusal ?? (unknown ? notFound('administration', parent) : null);
  if (refusal) {
    refusing(engine, (status) => call.emit('error', status))(refusal);
    return null;
  }
  const watch = new VmWatch(engine, ring, call, caller, administration, matches);
  call.on('cancelled', () => watch.stop());
  call.on('close', () => watch.stop());
  call.on('error', () => watch.stop());
  void watch.run(resume);
  return watch;
}

/** The sequence in a resume token of this journal; null when none was given. */
function resumeIn(fields: Fields, token: string): Resume | null {
  if (token === '') return null;
  const match = /^([0-9]{1,9})\.([0-9]{1,15})$/.exec(token);
  if (match === null) {
    fields.fault('resume_token', 'is not a token of a watch; begin again without one');
    return null;
  }
  return { incarnation: Number(match[1]), sequence: Number(match[2]) };
}
