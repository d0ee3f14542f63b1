/**
 * `secovia pool update`. The hosts are one field of the contract: all of them can be said anew, or one of them added or taken
 * away from those that are there.
 */
import { defineCommand, option, repeated } from '../../command.js';
import type { Context } from '../../context.js';
import { usageFailure } from '../../failure.js';
import { present } from '../../output/present.js';
import { changeAsRead, listFrom, mostAttempts } from '../../overtaking.js';
import { resourceName, shortName } from '../../values/names.js';
import { parseSizeMib } from '../../values/sizes.js';

interface Options {
  host?: string[];
  addHost?: string[];
  removeHost?: string[];
  capacity?: number;
  etag?: string;
}

const hostName = (text: string) => resourceName('hosts', text);

export const poolUpdate = defineCommand<Options>({
  usage: 'pool update <pool>',
  summary: 'Change which hosts mount a pool, or how much VMs may have of it',
  description:
    'The hosts that are given with --host replace those that were there; --add-host and --remove-host keep the others.\n' +
    'A host that joins a pool must mount it already, and its agent must allow the directory in its own policy.\n' +
    'One that has VMs with their disk there cannot leave it: drain it first.',
  examples: [
    'secovia pool update nfs-1 --add-host sofia-1-c',
    'secovia pool update nfs-1 --remove-host sofia-1-a --capacity 12TiB',
  ],
  options: [
    repeated('--host <host>', 'a host that mounts it', hostName).conflicts(['addHost', 'removeHost']),
    repeated('--add-host <host>', 'one more', hostName),
    repeated('--remove-host <host>', 'take one away', hostName),
    option('--capacity <size>', 'how much VMs may have of it, e.g. 12TiB', parseSizeMib),
    option('--etag <etag>', 'only if it has not changed since it had this etag'),
  ],
  async run(context, [pool = ''], options) {
    const paths = [
      ...(options.host !== undefined || addsOrRemoves(options) ? ['hosts'] : []),
      ...(options.capacity === undefined ? [] : ['capacity_mib']),
    ];
    if (paths.length === 0) {
      throw usageFailure(
        'nothing to change: say for example --add-host or --capacity; see secovia pool update --help.',
      );
    }
    const response = await update(context, resourceName('storagePools', pool), paths, options);
    const name = response.storagePool?.name ?? '';
    await present(context, {
      service: 'StoragePoolService',
      method: 'UpdateStoragePool',
      response,
      names: [name],
      text: () => `updated pool ${shortName(name)}\n`,
    });
  },
});

function addsOrRemoves({ addHost, removeHost }: Options): boolean {
  return addHost !== undefined || removeHost !== undefined;
}

async function update(context: Context, name: string, paths: string[], options: Options) {
  const connection = await context.connection();
  const mustRead = addsOrRemoves(options);
  return await changeAsRead(
    async () =>
      mustRead ? (await connection.call('StoragePoolService', 'GetStoragePool', { name })).storagePool : null,
    (now) =>
      connection.mutate('StoragePoolService', 'UpdateStoragePool', {
        storagePool: {
          name,
          hosts: listFrom(now?.hosts, {
            said: options.host,
            added: options.addHost,
            removed: options.removeHost,
          }),
          capacityMib: options.capacity ?? 0,
          etag: options.etag ?? now?.etag ?? '',
        },
        updateMask: { paths },
      }),
    mustRead && options.etag === undefined ? mostAttempts : 1,
  );
}
