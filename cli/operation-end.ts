/** The end of the one operation that a command has begun. */
import type { Operation__Output } from '../proto/gen/secovia/v1/Operation.js';
import type { Context } from './context.js';
import type { Failure } from './failure.js';
import { waitForOperations } from './waiting.js';

/** The operation as it ended where that is waited for, and else as it was answered. */
export async function endOf(
  context: Context,
  operation: Operation__Output | null,
  label: string,
  { wait }: { wait?: true },
): Promise<Operation__Output | null> {
  if (!wait || operation === null) return operation;
  const [ended = operation] = await waitForOperations(context, [{ operation, label }]);
  return ended;
}

/** Why it has ended otherwise than it should; undefined when it has not. */
export async function failureOf(
  label: string,
  operation: Operation__Output | null,
): Promise<Failure | undefined> {
  if (operation?.done !== true) return undefined;
  const { operationFailure } = await import('./client/operation-failure.js');
  return operationFailure(label, operation);
}
