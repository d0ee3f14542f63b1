/** `secovia version`: this CLI, and the scheduler if it answers at once. */
import type { Connection } from '../client/connection.js';
import { defineCommand } from '../command.js';
import type { Context } from '../context.js';
import { Failure } from '../failure.js';
import { harmless } from '../output/harmless.js';
import { packageVersion } from '../version.js';

/** The CLI's own version must not wait for a scheduler that is away. */
const patienceMs = 1500;

export const version = defineCommand({
  usage: 'version',
  summary: 'Print the versions of this CLI and of the scheduler',
  description: 'secovia --version prints the first alone, without a call.',
  examples: ['secovia version'],
  async run(context) {
    const cli = packageVersion();
    const scheduler = await schedulerVersion(context);
    const { server } = context.settings;
    if (context.format === 'json') return context.writeJson({ cli, scheduler: scheduler ?? null, server });
    await context.line(`secovia ${cli}`);
    const found = scheduler === undefined ? 'scheduler: no answer' : `scheduler ${harmless(scheduler)}`;
    await context.line(`${found} at ${server}`);
  },
});

/** Undefined when it does not answer at once. */
async function schedulerVersion(context: Context): Promise<string | undefined> {
  const connection = await connectionOf(context);
  if (connection === undefined) return undefined;
  const timeoutMs = Math.min(patienceMs, context.settings.timeoutMs ?? patienceMs);
  try {
    const options = { timeoutMs, once: true };
    return (await connection.call('FederationService', 'GetFederation', {}, options)).federation?.version;
  } catch (error) {
    if (error instanceof Failure && !context.world.interrupted.aborted) return undefined;
    throw error;
  }
}

/** Undefined when there are no credentials, which the CLI's own version does not need; says so. */
async function connectionOf(context: Context): Promise<Connection | undefined> {
  try {
    return await context.connection();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    context.say(error.message);
    return undefined;
  }
}
