/** `secovia host drain`. */
import type { Host__Output } from '../../../proto/gen/secovia/v1/Host.js';
import { defineCommand, flag, option } from '../../command.js';
import type { Context } from '../../context.js';
import { exitCodes, Failure } from '../../failure.js';
import { present } from '../../output/present.js';
import { mustHaveOwnIds, sayNotTried } from '../../several.js';
import { resourceName, shortName } from '../../values/names.js';
import { type Moment, momentMessage, parseMoment } from '../../values/moments.js';
import { drainWords } from '../../views/drain.js';

interface Options {
  deadline?: Moment;
  wait?: true;
}

export const hostDrain = defineCommand<Options>({
  usage: 'host drain <host...>',
  summary: 'Move the VMs of a host to other hosts, and place nothing new on it',
  description:
    'The host is cordoned, and its VMs leave it a few at a time, the most important first: those that run without a stop where both hosts can do that, and else they are stopped and started elsewhere, if their --on-drain allows it. Only VMs whose disk is on a shared pool can leave; the others stay, and host show says why each does. From --deadline on also VMs are stopped that should leave only while they run. Said again, a drain gets another deadline, or none. With --wait it ends when the host is empty, or when nothing moves any more and something is in the way (exit code 6).',
  examples: [
    'secovia host drain sofia-1-a --wait',
    'secovia host drain sofia-1-a --deadline 2h',
    'secovia host drain sofia-1-a --deadline 2027-01-31T04:00Z',
  ],
  options: [
    option('--deadline <time>', 'to be empty by then, e.g. 2h or 2027-01-31T04:00Z', parseMoment),
    flag('--wait', 'follow it until the host is empty, with live progress'),
  ],
  async run(context, words, { deadline, wait }) {
    const connection = await context.connection();
    const names = words.map((word) => resourceName('hosts', word));
    mustHaveOwnIds(context, names, 'host');
    const hosts: Host__Output[] = [];
    for (const [index, name] of names.entries()) {
      try {
        const request = { name, deadline: momentMessage(deadline, context.nowMs) };
        const { host } = await connection.mutate('HostService', 'DrainHost', request);
        if (host === null) throw new Failure('the scheduler gave no host.', exitCodes.unexpected);
        hosts.push(host);
        if (!wait) await tell(context, host);
      } catch (error) {
        // Those before are drained all the same.
        if (wait) for (const host of hosts) await tell(context, host);
        sayNotTried(context, names.slice(index + 1).map(shortName));
        throw error;
      }
    }
    if (!wait) return;
    const { waitForDrains } = await import('../../draining.js');
    const failures: Failure[] = [];
    for (const { host, failure } of await waitForDrains(context, hosts)) {
      // A person reads the failure instead; a program gets the host as well.
      if (failure === undefined || context.format !== 'table') await tell(context, host);
      if (failure !== undefined) failures.push(failure);
    }
    const [first] = failures;
    if (first === undefined) return;
    if (hosts.length === 1) throw first;
    const lines = failures.flatMap((each) => [each.message, ...each.lines]);
    throw new Failure(`${failures.length} of ${hosts.length} hosts are not empty:`, first.exitCode, lines);
  },
});

async function tell(context: Context, host: Host__Output): Promise<void> {
  const id = shortName(host.name);
  await present(context, {
    service: 'HostService',
    method: 'DrainHost',
    response: { host },
    names: [host.name],
    text: () => `host ${id}: ${drainWords(host.drain)}\n`,
  });
}
