/**
 * How a command ends. Scripts branch on the exit code, people read the sentence; both are decided where the
 * failure is understood and are printed in one place, `run.ts`.
 */

export const exitCodes = {
  ok: 0,
  unexpected: 1,
  usage: 2,
  notFound: 3,
  refused: 4,
  unreachable: 5,
  operation: 6,
  alarm: 7,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** The exit codes as the help shows them. */
export const exitCodeTable: readonly (readonly [ExitCode, string])[] = [
  [exitCodes.ok, 'done'],
  [exitCodes.unexpected, 'unexpected failure'],
  [exitCodes.usage, 'wrong usage: a flag or a value, found here or by the scheduler'],
  [exitCodes.notFound, 'what was named does not exist'],
  [exitCodes.refused, 'refused: no room, wrong state, exists already, changed meanwhile, not allowed'],
  [exitCodes.unreachable, 'the scheduler is not reachable or did not answer in time'],
  [exitCodes.operation, 'the operation failed or was cancelled, or --wait ran out of time'],
  [exitCodes.alarm, 'secovia alarms --check found one that is critical'],
  [exitCodes.interrupted, 'interrupted with Ctrl-C'],
];

/** A failure that is understood: the sentence goes to stderr, `lines` below it. */
export class Failure extends Error {
  override readonly name = 'Failure';

  constructor(
    message: string,
    readonly exitCode: ExitCode,
    readonly lines: readonly string[] = [],
  ) {
    super(message);
  }
}

/** A flag or value that cannot be right. The message says what to type instead. */
export function usageFailure(message: string): Failure {
  return new Failure(message, exitCodes.usage);
}
