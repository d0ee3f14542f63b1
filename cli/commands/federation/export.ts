/** `secovia federation export`: the federation as it is, to be tried out on a copy. */
import { defineCommand } from '../../command.js';
import type { Context } from '../../context.js';
import { type FederationContents, scenarioText } from '../../export/scenario.js';
import type { TenancyContents } from '../../export/tenancy.js';
import { exitCodes, Failure } from '../../failure.js';
import { harmless } from '../../output/harmless.js';
import { pages } from '../../output/present.js';

export const federationExport = defineCommand({
  usage: 'federation export',
  summary: 'Write the federation as a scenario, to try changes on a copy',
  description:
    'The text has all sites, hosts, pools, administrations, images and VMs, and the partners, quotas, loans, data classes,\n' +
    'residency rules and agreements that hold now. Add steps to it, such as\n' +
    '  - lose: { site: sofia-1 }\n' +
    '  - evacuate: { site: sofia-1 }\n' +
    '  - recall: { agreement: varna-for-sofia }\n' +
    '  - breaches: {}\n' +
    'and run it with secovia-scheduler simulate FILE. It is read a list at a time, so what changes meanwhile may show\n' +
    'before or after; retired hosts are left out, what is planned for a later day is as well, and a strategy other than\n' +
    'pack has to be added.',
  examples: ['secovia federation export > federation.yaml'],
  formats: ['table'],
  async run(context) {
    await mustSeeAll(context);
    for await (const part of scenarioText(await contents(context))) await context.out.write(part);
  },
});

/** What is left out to others would make another federation of it. */
async function mustSeeAll(context: Context): Promise<void> {
  const connection = await context.connection();
  const { role } = await connection.call('IdentityService', 'GetCaller', {});
  if (role === 'ROLE_FEDERATION_ADMINISTRATOR' || role === 'ROLE_AUDITOR') return;
  throw new Failure(
    'only federation administrators and auditors see all of a federation, and part of it is no copy.',
    exitCodes.refused,
  );
}

async function contents(context: Context): Promise<FederationContents> {
  const connection = await context.connection();
  const { federation } = await connection.call('FederationService', 'GetFederation', {});
  return {
    title: harmless(federation?.title ?? ''),
    recoveringSites: federation?.recoveringSites ?? [],
    sites: await gather(pages(context, 'SiteService', 'ListSites', {}), ({ sites }) => sites),
    administrations: await gather(
      pages(context, 'AdministrationService', 'ListAdministrations', {}),
      ({ administrations }) => administrations,
    ),
    images: await gather(pages(context, 'ImageService', 'ListImages', {}), ({ images }) => images),
    pools: await gather(
      pages(context, 'StoragePoolService', 'ListStoragePools', {}),
      ({ storagePools }) => storagePools,
    ),
    hosts: await gather(pages(context, 'HostService', 'ListHosts', {}), ({ hosts }) => hosts),
    ...(await tenancy(context)),
    vms: await gather(
      pages(context, 'VmService', 'ListVms', { parent: 'administrations/-' }),
      ({ vms }) => vms,
    ),
  };
}

async function tenancy(context: Context): Promise<TenancyContents> {
  return {
    partners: await gather(pages(context, 'PartnerService', 'ListPartners', {}), ({ partners }) => partners),
    quotas: await gather(
      pages(context, 'QuotaService', 'ListQuotas', { parent: 'administrations/-' }),
      ({ quotas }) => quotas,
    ),
    loans: await gather(pages(context, 'QuotaService', 'ListLoans', {}), ({ loans }) => loans),
    classes: await gather(
      pages(context, 'ResidencyService', 'ListDataClasses', {}),
      ({ dataClasses }) => dataClasses,
    ),
    rules: await gather(
      pages(context, 'ResidencyService', 'ListResidencyRules', {}),
      ({ residencyRules }) => residencyRules,
    ),
    agreements: await gather(
      pages(context, 'AgreementService', 'ListAgreements', {}),
      ({ agreements }) => agreements,
    ),
  };
}

async function gather<Page, Item>(from: AsyncIterable<Page>, items: (page: Page) => Item[]): Promise<Item[]> {
  const all: Item[] = [];
  for await (const page of from) for (const item of items(page)) all.push(item);
  return all;
}
