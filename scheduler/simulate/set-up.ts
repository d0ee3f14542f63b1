/** Puts up the cluster that a scenario begins with. */
import { Cluster } from './cluster.js';
import { addPresentVms } from './present-vms.js';
import type { Scenario } from './format.js';
import { at } from './impossible.js';
import { addAdministrations, addPartners, addTenancy, suspend } from './set-up-tenancy.js';

export function setUp(scenario: Scenario): Cluster {
  const cluster = new Cluster(scenario);
  const { sites, images, pools, hosts, partners } = scenario;
  addAdministrations(cluster, scenario);
  addPartners(cluster, scenario);
  const [onlyPartner = ''] = Object.keys(partners);
  for (const [id, { partner = onlyPartner, country, jurisdictions }] of Object.entries(sites))
    cluster.run({ type: 'site.create', id, title: '', partner, country, jurisdictions });
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
  for (const [id, { partner, country, jurisdictions, ...change }] of Object.entries(sites))
    cluster.setSite({ site: id, ...change });
  addTenancy(cluster, scenario);
  addPresentVms(cluster, scenario.vms);
  suspend(cluster, scenario);
  return cluster;
}
