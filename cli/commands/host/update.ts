/**
 * `secovia host update`. Traits are one field of the contract: all of them can be said anew, or one of them added or
 * taken away from those that are there.
 */
import { defineCommand, flag, option, repeated } from '../../command.js';
import type { Context } from '../../context.js';
import { usageFailure } from '../../failure.js';
import { present } from '../../output/present.js';
import { changeAsRead, listFrom, mostAttempts } from '../../overtaking.js';
import { resourceName, shortName } from '../../values/names.js';
import { parseOvercommitPercent, parseTrait } from '../../values/words.js';

interface Options {
  trait?: string[];
  /** False from --no-traits. */
  traits: boolean;
  addTrait?: string[];
  removeTrait?: string[];
  /** False from --no-dedicated-to. */
  dedicatedTo?: string | false;
  /** False from --no-vcpu-overcommit. */
  vcpuOvercommit?: number | false;
  etag?: string;
}

export const hostUpdate = defineCommand<Options>({
  usage: 'host update <host>',
  summary: "Change a host's traits, whom it is kept for, or its overcommit",
  description:
    'The traits that are given with --trait replace those that were there; --add-trait and --remove-trait keep the ' +
    'others.\nVMs that are on the host already stay, whatever changes.',
  examples: [
    'secovia host update sofia-1-a --trait ssd --trait gpu/a30',
    'secovia host update sofia-1-a --add-trait quiet --dedicated-to city --vcpu-overcommit 400%',
    'secovia host update sofia-1-a --no-traits --no-dedicated-to --no-vcpu-overcommit',
  ],
  options: [
    repeated('--trait <trait>', 'what it is like, e.g. ssd', parseTrait).conflicts([
      'addTrait',
      'removeTrait',
    ]),
    flag('--no-traits', 'no trait at all').conflicts(['trait', 'addTrait', 'removeTrait']),
    repeated('--add-trait <trait>', 'one more', parseTrait),
    repeated('--remove-trait <trait>', 'take one away', parseTrait),
    option('--dedicated-to <administration>', 'place only VMs of it and of those below it', (text) =>
      resourceName('administrations', text),
    ),
    flag('--no-dedicated-to', "place anybody's"),
    option(
      '--vcpu-overcommit <percent>',
      'vCPUs that it offers for each 100 CPUs, 10% to 3200%',
      parseOvercommitPercent,
    ),
    flag('--no-vcpu-overcommit', 'as its site says'),
    option('--etag <etag>', 'only if it has not changed since it had this etag'),
  ],
  async run(context, [host = ''], options) {
    const paths = changedFields(options);
    if (paths.length === 0) {
      throw usageFailure(
        'nothing to change: say for example --trait or --dedicated-to; see secovia host update --help.',
      );
    }
    const response = await update(context, resourceName('hosts', host), paths, options);
    await present(context, {
      service: 'HostService',
      method: 'UpdateHost',
      response,
      names: [response.host?.name ?? ''],
      text: () => `updated host ${shortName(response.host?.name ?? '')}\n`,
    });
  },
});

function changedFields(options: Options): string[] {
  const { trait, traits, dedicatedTo, vcpuOvercommit } = options;
  return [
    ...(trait === undefined && traits && !addsOrRemoves(options) ? [] : ['traits']),
    ...(dedicatedTo === undefined ? [] : ['dedicated_to']),
    ...(vcpuOvercommit === undefined ? [] : ['vcpu_overcommit_percent']),
  ];
}

function addsOrRemoves({ addTrait, removeTrait }: Options): boolean {
  return addTrait !== undefined || removeTrait !== undefined;
}

async function update(context: Context, name: string, paths: string[], options: Options) {
  const connection = await context.connection();
  const mustRead = addsOrRemoves(options);
  return await changeAsRead(
    async () => (mustRead ? (await connection.call('HostService', 'GetHost', { name })).host : null),
    (now) =>
      connection.mutate('HostService', 'UpdateHost', {
        host: {
          name,
          traits: listFrom(now?.traits, {
            said: options.trait,
            added: options.addTrait,
            removed: options.removeTrait,
          }),
          dedicatedTo: options.dedicatedTo || '',
          vcpuOvercommitPercent: options.vcpuOvercommit || 0,
          etag: options.etag ?? now?.etag ?? '',
        },
        updateMask: { paths },
      }),
    mustRead && options.etag === undefined ? mostAttempts : 1,
  );
}
