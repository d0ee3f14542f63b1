/** `secovia pool create`. */
import { defineCommand, option, repeated } from '../../command.js';
import { present } from '../../output/present.js';
import { resourceName, shortName } from '../../values/names.js';
import { parseSizeMib } from '../../values/sizes.js';

interface Options {
  site: string;
  path: string;
  host: string[];
  capacity: number;
}

export const poolCreate = defineCommand<Options>({
  usage: 'pool create <name>',
  summary: 'Declare storage that several hosts of a site mount',
  description: "Each host's agent must allow the directory in its own policy. The capacity is counted once.",
  examples: [
    'secovia pool create nfs-1 --site sofia-1 --path /srv/nfs-1 --host sofia-1-a --host sofia-1-b --capacity 10TiB',
  ],
  options: [
    option('--site <site>', 'where it is', (text) => resourceName('sites', text)).makeOptionMandatory(),
    option('--path <directory>', 'the directory, the same on every host').makeOptionMandatory(),
    repeated('--host <host>', 'a host that mounts it', (text) =>
      resourceName('hosts', text),
    ).makeOptionMandatory(),
    option(
      '--capacity <size>',
      'how much VMs may have of it, e.g. 10TiB',
      parseSizeMib,
    ).makeOptionMandatory(),
  ],
  async run(context, [poolId = ''], { site, path, host, capacity }) {
    const connection = await context.connection();
    const response = await connection.mutate('StoragePoolService', 'CreateStoragePool', {
      storagePoolId: shortName(resourceName('storagePools', poolId)),
      storagePool: { kind: 'STORAGE_POOL_KIND_SHARED', site, path, hosts: host, capacityMib: capacity },
    });
    const name = response.storagePool?.name ?? '';
    await present(context, {
      service: 'StoragePoolService',
      method: 'CreateStoragePool',
      response,
      names: [name],
      text: () => `created pool ${shortName(name)}\n`,
    });
  },
});
