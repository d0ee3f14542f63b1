/** `secovia token create`. The word is the result, alone on its line, so that it can be carried off; the rest is said beside it. */
import { defineCommand, option } from '../../command.js';
import { Failure, exitCodes } from '../../failure.js';
import { present } from '../../output/present.js';
import { formatMoment, parseSpanMs, timestampMs } from '../../values/durations.js';
import { resourceName, shortName } from '../../values/names.js';
import { ValueError } from '../../values/value-error.js';

interface Options {
  site: string;
  ttl?: number;
  uses?: number;
}

export const tokenCreate = defineCommand<Options>({
  usage: 'token create',
  summary: 'Make a token with which hosts of a site join',
  description:
    'Prints one word, once: give it to secovia-agent join on the host. It names the scheduler and its authority, so that\n' +
    'the host knows whom it joins. Whoever has it can make a host of the site; pass it on as you would a password.',
  examples: ['secovia token create --site sofia-1', 'secovia token create --site sofia-1 --ttl 8h --uses 20'],
  options: [
    option('--site <site>', 'the site that the hosts are in', (text) =>
      resourceName('sites', text),
    ).makeOptionMandatory(),
    option('--ttl <duration>', 'how long it is good for, 1m to 30d (default: 1h)', parseTtlSeconds),
    option('--uses <count>', 'hosts that may join with it, 1 to 1000 (default: 1)', parseUses),
  ],
  async run(context, _args, { site, ttl: ttlSeconds = 0, uses = 0 }) {
    const connection = await context.connection();
    const response = await connection.mutate('JoinTokenService', 'CreateJoinToken', {
      site,
      ttlSeconds,
      uses,
    });
    const { joinToken, token } = response;
    const name = joinToken?.name ?? '';
    if (token === '') {
      // The call was repeated, and the secret is in its first answer alone.
      throw new Failure(
        `join token ${shortName(name)} was made, and its word was lost on the way. Delete it with secovia token delete ${shortName(name)}, and make another.`,
        exitCodes.refused,
      );
    }
    await present(context, {
      service: 'JoinTokenService',
      method: 'CreateJoinToken',
      response,
      names: [name],
      text: () => `${token}\n`,
    });
    if (context.format !== 'table') return;
    const hosts = joinToken?.usesLeft === 1 ? 'one host' : `${joinToken?.usesLeft} hosts`;
    const until = formatMoment(timestampMs(joinToken?.expireTime ?? null), context.nowMs);
    context.say(
      `with this, ${hosts} can join at site ${shortName(site)} until ${until}: secovia-agent join TOKEN`,
    );
  },
});

function parseTtlSeconds(text: string): number {
  const seconds = parseSpanMs(text) / 1000;
  if (!Number.isInteger(seconds) || seconds < 60 || seconds > 30 * 86_400)
    throw new ValueError('A token is good for 1m to 30d.');
  return seconds;
}

function parseUses(text: string): number {
  const uses = Number(text);
  if (!/^\d+$/.test(text) || uses < 1 || uses > 1000)
    throw new ValueError('Write a whole number from 1 to 1000.');
  return uses;
}
