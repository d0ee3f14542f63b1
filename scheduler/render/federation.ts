/** Sites, administrations, images and pools as messages. */
import type { Administration as AdministrationMessage } from '../../proto/gen/secovia/v1/Administration.js';
import type { StoppedVmPolicy__Output as StoppedVmPolicyName } from '../../proto/gen/secovia/v1/StoppedVmPolicy.js';
import type { Image as ImageMessage } from '../../proto/gen/secovia/v1/Image.js';
import type { Site as SiteMessage } from '../../proto/gen/secovia/v1/Site.js';
import type { StoragePool as StoragePoolMessage } from '../../proto/gen/secovia/v1/StoragePool.js';
import { etagOf, poolRevision } from '../core/etag.js';
import type { Administration, Image, Site, StoppedVms, StoragePool } from '../core/model.js';
import type { State } from '../core/state.js';
import { nameOf } from './names.js';
import { resourcesMessage, timestamp } from './basics.js';

export function siteMessage(state: State, site: Site): SiteMessage {
  let hostCount = 0;
  for (const host of state.hosts.values())
    if (host.site === site.id && host.state !== 'retired') hostCount += 1;
  return {
    name: nameOf('site', site.id),
    title: site.title,
    partner: site.partner,
    country: site.country,
    jurisdictions: site.jurisdictions,
    cordoned: site.cordoned,
    hostCount,
    etag: etagOf(site.revision),
    createTime: timestamp(site.createdMs),
    updateTime: timestamp(site.updatedMs),
    vcpuOvercommitPercent: site.vcpuOvercommitPercent,
    keepFailoverRoom: site.keepFailoverRoom,
    priceTier: site.priceTier ?? 0,
  };
}

const stoppedVmPolicyNames: Record<StoppedVms, StoppedVmPolicyName> = {
  keep: 'STOPPED_VM_POLICY_KEEP',
  free: 'STOPPED_VM_POLICY_FREE',
};

export function administrationMessage(state: State, administration: Administration): AdministrationMessage {
  const { suspended = false, stoppedVms } = administration;
  const partner = state.tenancy.homePartner(administration.id);
  return {
    name: nameOf('administration', administration.id),
    title: administration.title,
    parent: administration.parent === null ? '' : nameOf('administration', administration.parent),
    country: administration.country,
    claimed: resourcesMessage(state.claimOfAdministration(administration.id)),
    etag: etagOf(administration.revision),
    createTime: timestamp(administration.createdMs),
    updateTime: timestamp(administration.updatedMs),
    suspended,
    stoppedVms: stoppedVms === undefined ? 'STOPPED_VM_POLICY_UNSPECIFIED' : stoppedVmPolicyNames[stoppedVms],
    partner: partner === null ? '' : nameOf('partner', partner.id),
  };
}

export function imageMessage(image: Image): ImageMessage {
  return {
    name: nameOf('image', image.id),
    title: image.title,
    digest: image.digest,
    format: image.format === 'qcow2' ? 'IMAGE_FORMAT_QCOW2' : 'IMAGE_FORMAT_RAW',
    sizeBytes: image.sizeBytes,
    virtualSizeMib: image.virtualSizeMib,
    source: image.source,
    architecture: image.architecture,
    etag: etagOf(1),
    createTime: timestamp(image.createdMs),
  };
}

export function poolMessage(state: State, pool: StoragePool): StoragePoolMessage {
  return {
    name: nameOf('storage pool', pool.id),
    kind: 'STORAGE_POOL_KIND_SHARED',
    site: nameOf('site', pool.site),
    path: pool.path,
    hosts: pool.hosts.map((id) => nameOf('host', id)),
    capacityMib: pool.capacityMib,
    claimedMib: state.poolClaimedMib.get(pool.id) ?? 0,
    etag: etagOf(poolRevision(pool)),
    createTime: timestamp(pool.createdMs),
  };
}
