/** OperationService: what was acknowledged, how far it is, and how it ended. */
import type { CancelOperationRequest__Output } from '../../proto/gen/secovia/v1/CancelOperationRequest.js';
import type { GetOperationRequest__Output } from '../../proto/gen/secovia/v1/GetOperationRequest.js';
import type { ListOperationsRequest__Output } from '../../proto/gen/secovia/v1/ListOperationsRequest.js';
import type { WaitOperationRequest__Output } from '../../proto/gen/secovia/v1/WaitOperationRequest.js';
import type { Operation } from '../core/model.js';
import { notFound, type Refusal } from '../core/refusal.js';
import type { Engine } from '../engine.js';
import { durationMs } from './durations.js';
import { sightOf } from './authorization.js';
import { Fields } from './fields.js';
import type { FilterSchema } from './filter.js';
import { filterOf } from './filters.js';
import {
  type Answer,
  forbiddenTo,
  guard,
  malformed,
  mutation,
  query,
  responseEncoder,
  type UnaryHandler,
} from './methods.js';
import { pageOf } from './pages.js';
import { operationInSight } from '../render/in-sight.js';
import { refusing } from './refusing.js';
import { statusOf } from './status.js';

const defaultWaitMs = 30_000;
const longestWaitMs = 300_000;

const filterSchema: FilterSchema<Operation> = {
  fields: {
    verb: (operation) => operation.verb,
    state: (operation) => operation.state.toUpperCase(),
    done: (operation) => operation.state !== 'running',
  },
};

/** Resolves when the operation has ended and that is durable, when it is gone, or when the time is up. */
function ended(engine: Engine, id: string, timeoutMs: number, cancelled: (stop: () => void) => void) {
  return new Promise<void>((resolve) => {
    const isOver = () => engine.state.operations.get(id)?.state !== 'running';
    if (isOver()) return resolve();
    const stop = () => {
      clearTimeout(timer);
      forget();
      resolve();
    };
    const timer = setTimeout(stop, timeoutMs);
    const forget = engine.onCommitted(({ touched }) => {
      if ((touched.written.operation.has(id) || !engine.state.operations.has(id)) && isOver()) stop();
    });
    cancelled(stop);
  });
}

const wait: UnaryHandler = (method, context) => {
  const { engine } = context;
  const encode = responseEncoder(method);
  return (call, callback) => {
    const message = call.request.message as WaitOperationRequest__Output | null;
    if (message === null) return callback(statusOf(malformed));
    guard(method, context, call, callback, (caller) => {
      const refused = refusing(engine, callback);
      const forbidden = forbiddenTo(context, method, message, caller);
      if (forbidden) {
        refused(forbidden);
        return;
      }
      const fields = new Fields();
      const id = fields.name('name', 'operation', message.name);
      const timeoutMs = durationMs(fields, 'timeout', message.timeout, 0, longestWaitMs) ?? defaultWaitMs;
      if (fields.refusal) {
        callback(statusOf(fields.refusal));
        return;
      }
      const answer = () => {
        const operation = engine.state.operations.get(id);
        // Much may have happened meanwhile.
        const refusal =
          context.authorize(method.path, message, caller) ??
          (operation === undefined ? notFound('operation', message.name) : null);
        if (refusal || operation === undefined) {
          refused(refusal as Refusal);
          return;
        }
        const sight = sightOf(engine, caller);
        const bytes = encode({ operation: operationInSight(engine.state, sight, operation) });
        engine.readable().then(() => callback(null, bytes));
      };
      if (!engine.state.operations.has(id)) answer();
      else ended(engine, id, timeoutMs, (stop) => call.on('cancelled', stop)).then(answer);
    });
  };
};

export const operationService = {
  GetOperation: query((request: GetOperationRequest__Output, { engine }, caller): Answer<object> => {
    const fields = new Fields();
    const id = fields.name('name', 'operation', request.name);
    if (fields.refusal) return { refusal: fields.refusal };
    const operation = engine.state.operations.get(id);
    if (operation === undefined) return { refusal: notFound('operation', request.name) };
    const sight = sightOf(engine, caller);
    return { response: { operation: operationInSight(engine.state, sight, operation) } };
  }),

  /** The newest first, since nobody looks for the oldest. */
  ListOperations: query((request: ListOperationsRequest__Output, { engine }, caller): Answer<object> => {
    const fields = new Fields();
    const matches = filterOf(fields, request.filter, filterSchema);
    const page = pageOf(fields, request, `operations ${request.filter}`);
    const after = page.after === null ? Number.POSITIVE_INFINITY : Number(page.after);
    if (Number.isNaN(after)) fields.fault('page_token', 'is not a token of this listing');
    if (fields.refusal) return { refusal: fields.refusal };
    const sight = sightOf(engine, caller);
    const rest = [...engine.state.operations.values()]
      .filter((each) => each.createdSequence < after && matches(each) && sight.operation(each))
      .sort((a, b) => b.createdSequence - a.createdSequence);
    const items = rest.slice(0, page.size);
    const more = rest.length > items.length;
    return {
      response: {
        operations: items.map((operation) => operationInSight(engine.state, sight, operation)),
        nextPageToken: more ? page.token(String((items.at(-1) as Operation).createdSequence)) : '',
      },
    };
  }),

  WaitOperation: wait,

  CancelOperation: mutation((request: CancelOperationRequest__Output, { engine }, caller) => {
    const fields = new Fields();
    const id = fields.name('name', 'operation', request.name);
    if (fields.refusal) return { refusal: fields.refusal };
    const outcome = engine.run({ type: 'operation.cancel', id });
    if (outcome.refusal) return outcome;
    const sight = sightOf(engine, caller);
    return { response: { operation: operationInSight(engine.state, sight, outcome.reply) } };
  }),
};
