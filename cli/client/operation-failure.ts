/** How an operation that did not succeed is told: its own error in the same words as a failed call's. */
import { status } from '@grpc/grpc-js';
import { unpackStatus } from '../../proto/errors.js';
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
      const { sentence, lines } = wording({
        code: status[error.code] ?? 'UNKNOWN',
        message: error.message,
        details: unpackStatus(error),
        server: '',
      });
      return new Failure(`${label} failed${share}: ${sentence}`, exitCodes.operation, lines);
    }
  }
}
