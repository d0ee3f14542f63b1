/** How an error that stands in an answer is told, as that of an operation: in the same words as a failed call's. */
import { status } from '@grpc/grpc-js';
import { unpackStatus } from '../../proto/errors.js';
import type { Status__Output } from '../../proto/gen/google/rpc/Status.js';
import type { Operation__Output } from '../../proto/gen/secovia/v1/Operation.js';
import { exitCodes, Failure } from '../failure.js';
import { wording } from './call-failure.js';

/** Undefined when it succeeded. `label` is what the user calls it, e.g. `create city/web`. */
export function operationFailure(label: string, operation: Operation__Output): Failure | undefined {
  switch (operation.state) {
    case 'OPERATION_STATE_SUCCEEDED':
      return undefined;
    case 'OPERATION_STATE_CANCELLED':
      return new Failure(`${label} was cancelled.`, exitCodes.operation);
    default: {
      const { failedCount, targetCount, error } = operation;
      const share = targetCount > 1 && failedCount > 0 ? ` for ${failedCount} of ${targetCount} VMs` : '';
      if (error === null) return new Failure(`${label} failed${share}.`, exitCodes.operation);
      const { sentence, lines } = wordingOf(error);
      return new Failure(`${label} failed${share}: ${sentence}`, exitCodes.operation, lines);
    }
  }
}

/** A status that came in an answer, in the words of a failed call. */
export function statusSentence(error: Status__Output): string {
  return wordingOf(error).sentence;
}

function wordingOf(error: Status__Output): { sentence: string; lines: string[] } {
  return wording({
    code: status[error.code] ?? 'UNKNOWN',
    message: error.message,
    details: unpackStatus(error),
    server: '',
  });
}
