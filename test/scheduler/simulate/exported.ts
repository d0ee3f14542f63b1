/** A federation's state as `secovia federation export` writes it. */
import { scenarioText, type FederationContents } from '../../../cli/export/scenario.js';
import type { TenancyContents } from '../../../cli/export/tenancy.js';
import type { Administration__Output } from '../../../proto/gen/secovia/v1/Administration.js';
import type { Agreement__Output } from '../../../proto/gen/secovia/v1/Agreement.js';
import type { DataClass__Output } from '../../../proto/gen/secovia/v1/DataClass.js';
import type { Host__Output } from '../../../proto/gen/secovia/v1/Host.js';
import type { Image__Output } from '../../../proto/gen/secovia/v1/Image.js';
import type { Loan__Output } from '../../../proto/gen/secovia/v1/Loan.js';
import type { Partner__Output } from '../../../proto/gen/secovia/v1/Partner.js';
import type { Quota__Output } from '../../../proto/gen/secovia/v1/Quota.js';
import type { ResidencyRule__Output } from '../../../proto/gen/secovia/v1/ResidencyRule.js';
import type { Site__Output } from '../../../proto/gen/secovia/v1/Site.js';
import type { StoragePool__Output } from '../../../proto/gen/secovia/v1/StoragePool.js';
import type { Vm__Output } from '../../../proto/gen/secovia/v1/Vm.js';
import { messageCodec } from '../../../proto/index.js';
import type { State } from '../../../scheduler/core/state.js';
import {
  administrationMessage,
  imageMessage,
  poolMessage,
  siteMessage,
} from '../../../scheduler/render/federation.js';
import { hostMessage } from '../../../scheduler/render/host.js';
import { nameOf } from '../../../scheduler/render/names.js';
import { dataClassMessage, residencyRuleMessage } from '../../../scheduler/render/residency.js';
import {
  agreementMessage,
  loanMessage,
  partnerMessage,
  quotaMessage,
} from '../../../scheduler/render/tenancy.js';
import { vmMessage } from '../../../scheduler/render/vm.js';

/** A message as a client gets it. */
function sent<Out>(name: string, message: object): Out {
  const codec = messageCodec<object, Out>(`secovia.v1.${name}`);
  return codec.deserialize(codec.serialize(message));
}

function tenancyOf(state: State): TenancyContents {
  const { partners, quotas, loans, classes, rules, agreements } = state.tenancy;
  return {
    partners: [...partners.values()].map((each) =>
      sent<Partner__Output>('Partner', partnerMessage(state, each)),
    ),
    quotas: [...quotas.values()].map((each) => sent<Quota__Output>('Quota', quotaMessage(state, each))),
    loans: [...loans.values()].map((each) => sent<Loan__Output>('Loan', loanMessage(each))),
    classes: [...classes.values()].map((each) =>
      sent<DataClass__Output>('DataClass', dataClassMessage(each)),
    ),
    rules: [...rules.values()].map((each) =>
      sent<ResidencyRule__Output>('ResidencyRule', residencyRuleMessage(each)),
    ),
    agreements: [...agreements.values()].map((each) =>
      sent<Agreement__Output>('Agreement', agreementMessage(state, each)),
    ),
  };
}

function contentsOf(state: State): FederationContents {
  return {
    ...tenancyOf(state),
    title: 'A "test" of: everything',
    recoveringSites: state.federation.recoveringSites.map((site) => nameOf('site', site)),
    sites: [...state.sites.values()].map((site) => sent<Site__Output>('Site', siteMessage(state, site))),
    administrations: [...state.administrations.values()].map((each) =>
      sent<Administration__Output>('Administration', administrationMessage(state, each)),
    ),
    images: [...state.images.values()].map((image) => sent<Image__Output>('Image', imageMessage(image))),
    pools: [...state.pools.values()].map((pool) =>
      sent<StoragePool__Output>('StoragePool', poolMessage(state, pool)),
    ),
    hosts: [...state.hosts.values()].map((host) => {
      const message = hostMessage(state, host, () => 0);
      const inventory = host.inventory === null ? null : { ...host.inventory, total: host.capacity };
      return sent<Host__Output>('Host', { ...message, inventory });
    }),
    vms: [...state.vms.values()].map((vm) => sent<Vm__Output>('Vm', vmMessage(state, vm))),
  };
}

export async function exported(state: State): Promise<string> {
  let text = '';
  for await (const part of scenarioText(contentsOf(state))) text += part;
  return text;
}
