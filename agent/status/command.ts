/**
 * `secovia-agent status`: one page, or one JSON document, or one after the other; and an exit status that a
 * monitoring system can use: 0 healthy, 1 degraded, 2 down.
 */
import { askStatus, type StatusAnswer } from './client.js';
import { renderStatus } from './render.js';

export interface StatusOptions {
  socket: string;
  json: boolean;
  watch: boolean;
}

const watchIntervalMs = 1_000;
const clearScreen = '\u001b[H\u001b[2J';

/** Returns the exit status. */
export async function runStatus(options: StatusOptions): Promise<number> {
  if (!options.watch) return show(await askStatus(options.socket), options);
  const interactive = process.stdout.isTTY && !options.json;
  let code = 2;
  const ended = new Promise<void>((resolve) => process.once('SIGINT', resolve));
  let stopped = false;
  void ended.then(() => {
    stopped = true;
  });
  while (!stopped) {
    const answer = await askStatus(options.socket);
    if (interactive) process.stdout.write(clearScreen);
    code = show(answer, options);
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, watchIntervalMs))]);
  }
  return code;
}

function show(answer: StatusAnswer, options: StatusOptions): number {
  const { stdout } = process;
  if (answer.kind === 'down') {
    if (options.json) stdout.write(`${JSON.stringify({ health: 'down', reasons: [answer.reason] })}\n`);
    else stdout.write(`The agent is down: ${answer.reason}.\n`);
    return 2;
  }
  const { status } = answer;
  if (options.json) stdout.write(`${JSON.stringify(status)}\n`);
  else stdout.write(renderStatus(status, useColours()));
  return status.health === 'healthy' ? 0 : 1;
}

function useColours(): boolean {
  const { NO_COLOR, FORCE_COLOR } = process.env;
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false;
  return process.stdout.isTTY || (FORCE_COLOR !== undefined && FORCE_COLOR !== '0');
}
