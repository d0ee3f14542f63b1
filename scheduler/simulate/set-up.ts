/** Puts up the cluster that a scenario begins with. */
import { Cluster } from './cluster.js';
import { addPresentVms } from './present-vms.js';
import type { Scenario } from './format.js';
import { at, Impossible } from './impossible.js';

export function setUp(scenario: Scenario): Cluster {
  const cluster = new Cluster(scenario);
  const { sites, images, pools, hosts } = scenario;
  for (const [id, { country, jurisdictions }] of Object.entries(sites))
    cluster.run({ type: 'site.create', id, title: '', partner: '', country, jurisdictions });
  addAdministrations(cluster, scenario);
  for (const [id, { architecture, size }] of Object.entries(images)) {
    cluster.run({
      type: 'image.create',
      uid: cluster.draw('image'),
      id,
      title: '',
      digest: '',
      format: 'qcow2',
      sizeBytes: 0,
      virtualSizeMib: size,
      source: '',
      architecture,
    });
  }
  for (const [index, host] of hosts.entries()) at(['hosts', index], () => cluster.join(host));
  const [onlySite = ''] = Object.keys(sites);
  for (const [id, { site = onlySite, hosts, capacity: capacityMib }] of Object.entries(pools)) {
    at(['pools', id], () => cluster.run({ type: 'pool.create', id, site, path: '/', hosts, capacityMib }));
  }
  // Last, because no host joins a site in recovery.
  for (const [id, { country, jurisdictions, ...change }] of Object.entries(sites))
    cluster.setSite({ site: id, ...change });
  addPresentVms(cluster, scenario.vms);
  return cluster;
}

/** Parents first, in whatever order they are written. */
function addAdministrations(cluster: Cluster, { administrations }: Scenario): void {
  const add = (id: string, below: readonly string[]) => {
    if (cluster.state.administrations.has(id)) return;
    const parent = administrations[id]?.parent ?? null;
    if (below.includes(id)) throw new Impossible(`is above itself: ${[...below, id].join(' is below ')}`);
    if (parent !== null) add(parent, [...below, id]);
    cluster.run({ type: 'administration.create', id, title: '', parent, country: '' });
  };
  for (const id of Object.keys(administrations)) at(['administrations', id, 'parent'], () => add(id, []));
}
