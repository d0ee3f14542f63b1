/**
 * A failure that the operator can mend: its message is one plain sentence that says what is wrong and what to do
 * next, and is all that is printed. Anything else that is thrown is a bug, and is printed with its stack.
 */
export class OperatorError extends Error {
  override readonly name: string = 'OperatorError';
}
