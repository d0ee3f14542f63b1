/** A yes-or-no question before something is destroyed or stopped. Asked of a person at a terminal only; a script must say --yes. */
import { exitCodes, Failure, usageFailure } from './failure.js';
import { harmless } from './output/harmless.js';
import type { World } from './world.js';

/** What is done after a yes, and what has come of it after a no. */
export interface Deed {
  doing: string;
  nothing: string;
}

const deletion: Deed = { doing: 'deletes', nothing: 'nothing was deleted' };

/** Returns when the answer is yes; fails otherwise. */
export async function confirm(
  world: World,
  question: string,
  { doing, nothing }: Deed = deletion,
): Promise<void> {
  if (world.stdin.isTTY !== true) {
    throw usageFailure(`this asks before it ${doing}, and there is no terminal to ask on: say --yes.`);
  }
  const { createInterface } = await import('node:readline/promises');
  const lines = createInterface({ input: world.stdin, output: world.stderr, terminal: false });
  try {
    const closed = new Promise<string>((resolve) => lines.once('close', () => resolve('')));
    const asked = lines.question(`${harmless(question)} [y/N] `, { signal: world.interrupted });
    const answer = await Promise.race([asked, closed]);
    if (!/^y(es)?$/i.test(answer.trim())) throw new Failure(`${nothing}.`, exitCodes.refused);
  } catch (error) {
    throw world.interrupted.aborted ? new Failure(`interrupted; ${nothing}.`, exitCodes.interrupted) : error;
  } finally {
    lines.close();
  }
}
