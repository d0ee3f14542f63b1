/** `secovia administration update`. */
import { Option } from 'commander';
import { defineCommand, option } from '../../command.js';
import { usageFailure } from '../../failure.js';
import { present } from '../../output/present.js';
import { resourceName, shortName } from '../../values/names.js';

const stoppedVmPolicies = {
  keep: 'STOPPED_VM_POLICY_KEEP',
  free: 'STOPPED_VM_POLICY_FREE',
  inherit: 'STOPPED_VM_POLICY_UNSPECIFIED',
} as const;

interface Options {
  title?: string;
  stoppedVms?: keyof typeof stoppedVmPolicies;
  etag?: string;
}

export const administrationUpdate = defineCommand<Options>({
  usage: 'administration update <administration>',
  summary: "Change an administration's title, or what its stopped VMs hold",
  description:
    'With --stopped-vms keep, stopped VMs of its subtree keep their vCPUs and memory; with free they give them up once ' +
    'they are seen off, and have to find room again when they start; inherit leaves it to the administration above. ' +
    'VMs with extras, hugepages or NUMA cells keep what they have.',
  examples: [
    'secovia administration update plovdiv --title "Община Пловдив"',
    'secovia administration update plovdiv --stopped-vms free',
  ],
  options: [
    option('--title <text>', 'a name for people, in any script; "" takes it away'),
    new Option('--stopped-vms <policy>', 'what stopped VMs of its subtree hold').choices(
      Object.keys(stoppedVmPolicies),
    ),
    option('--etag <etag>', 'only if it has not changed since it had this etag'),
  ],
  async run(context, [administration = ''], { title, stoppedVms, etag = '' }) {
    const paths = [
      ...(title === undefined ? [] : ['title']),
      ...(stoppedVms === undefined ? [] : ['stopped_vms']),
    ];
    if (paths.length === 0) throw usageFailure('nothing to change: say --title or --stopped-vms.');
    const connection = await context.connection();
    const response = await connection.mutate('AdministrationService', 'UpdateAdministration', {
      administration: {
        name: resourceName('administrations', administration),
        title: title ?? '',
        stoppedVms: stoppedVmPolicies[stoppedVms ?? 'inherit'],
        etag,
      },
      updateMask: { paths },
    });
    const name = response.administration?.name ?? '';
    await present(context, {
      service: 'AdministrationService',
      method: 'UpdateAdministration',
      response,
      names: [name],
      text: () => `updated administration ${shortName(name)}\n`,
    });
  },
});
