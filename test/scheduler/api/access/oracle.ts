/**
 * What each caller should see of each collection, said as naively as can be, and without a look at how the scheduler finds
 * out: from the entities alone, by walking up the tree for each question.
 */
import type { State } from '../../../../scheduler/core/state.js';

export interface Viewer {
  role: string;
  partner?: string;
  administration?: string;
  /** Of the identity itself. */
  id: string;
}

/** An administration with all those above it. */
function chain(state: State, id: string): string[] {
  const administration = state.administrations.get(id);
  if (administration === undefined) return [];
  return [id, ...(administration.parent === null ? [] : chain(state, administration.parent))];
}

const everything = ['federation_administrator', 'auditor', 'insecure'];

/** Names of what a viewer should see, by list method. */
export function shouldSee(state: State, viewer: Viewer): Record<string, string[] | null> {
  const { role, partner, administration, id } = viewer;
  const all = everything.includes(role);
  const isOperator = role === 'partner_operator';
  const isTenant = role.startsWith('administration');
  const isAdmin = role === 'administration_administrator';
  const below = (one: string) => isTenant && chain(state, one).includes(administration ?? '');
  const siteOf = (host: string) => state.hosts.get(host)?.site ?? '';
  const isOwnSite = (site: string) => isOperator && state.sites.get(site)?.partner === partner;
  const vms = [...state.vms.values()];
  const seesVm = ({ administration: of, host }: (typeof vms)[number]) =>
    all || below(of) || (host !== null && isOwnSite(siteOf(host)));
  const isPartnersOwn = (of: string, one: string) => {
    const found = state.tenancy.partners.get(of);
    if (found === undefined) return false;
    if (found.administrations.length > 0)
      return chain(state, one).some((each) => found.administrations.includes(each));
    return found.country === state.administrations.get(one)?.country;
  };
  const agreements = [...state.tenancy.agreements.values()];
  const benefits = (one: string, agreement: (typeof agreements)[number]) =>
    agreement.beneficiary.kind === 'partner'
      ? isPartnersOwn(agreement.beneficiary.partner, one)
      : chain(state, one).includes(agreement.beneficiary.administration);
  const ids = [...state.administrations.keys()];
  const seesAdministration = (one: string) =>
    all ||
    below(one) ||
    (isOperator &&
      (isPartnersOwn(partner ?? '', one) ||
        agreements.some(
          (each) =>
            each.partner === partner && each.beneficiary.kind === 'administration' && benefits(one, each),
        ) ||
        vms.some((vm) => vm.administration === one && vm.host !== null && isOwnSite(siteOf(vm.host)))));
  const sorted = (names: string[], asked = true) => (asked ? names.sort() : null);
  const named = <T extends { id: string }>(
    collection: string,
    some: Iterable<T>,
    sees: (one: T) => boolean,
  ) => [...some].filter(sees).map((one) => `${collection}/${one.id}`);
  const user = all || isOperator || isTenant;
  return {
    ListSites: sorted(
      named('sites', state.sites.values(), () => true),
      user,
    ),
    ListPartners: sorted(
      named('partners', state.tenancy.partners.values(), () => true),
      user,
    ),
    ListImages: sorted(
      named('images', state.images.values(), () => true),
      user,
    ),
    ListDataClasses: sorted(
      named('dataClasses', state.tenancy.classes.values(), () => true),
      user,
    ),
    ListHosts: sorted(
      named(
        'hosts',
        state.hosts.values(),
        (host) =>
          all ||
          isOwnSite(host.site) ||
          (host.dedicatedTo !== null && below(host.dedicatedTo)) ||
          vms.some((vm) => vm.host === host.id && below(vm.administration)),
      ),
      user,
    ),
    ListAdministrations: sorted(
      named('administrations', state.administrations.values(), (one) => seesAdministration(one.id)),
      user,
    ),
    ListVms: sorted(
      vms.filter(seesVm).map((vm) => `administrations/${vm.administration}/vms/${vm.id}`),
      user,
    ),
    ListOperations: sorted(
      named('operations', state.operations.values(), ({ targets }) =>
        targets.some((uid) => {
          const vm = state.vms.get(uid);
          return vm !== undefined && seesVm(vm);
        }),
      ),
      user,
    ),
    ListStoragePools: sorted(
      named('storagePools', state.pools.values(), ({ site }) => all || isTenant || isOwnSite(site)),
      user,
    ),
    ListQuotas: sorted(
      [...state.tenancy.quotas.values()]
        .filter((quota) => all || below(quota.administration))
        .map((quota) => `administrations/${quota.administration}/quotas/everywhere`),
      all || isTenant,
    ),
    ListLoans: sorted(
      named(
        'loans',
        state.tenancy.loans.values(),
        (loan) => all || below(loan.lender) || below(loan.borrower),
      ),
      all || isAdmin,
    ),
    ListResidencyRules: sorted(
      named(
        'residencyRules',
        state.tenancy.rules.values(),
        ({ administration: of }) =>
          all ||
          of === null ||
          below(of) ||
          (isTenant && chain(state, administration ?? '').includes(of)) ||
          (isOperator && seesAdministration(of)),
      ),
      user,
    ),
    ListAgreements: sorted(
      named(
        'agreements',
        agreements,
        (each) =>
          all ||
          (isOperator &&
            (each.partner === partner ||
              (each.beneficiary.kind === 'partner' && each.beneficiary.partner === partner))) ||
          (isTenant &&
            (ids.some((one) => below(one) && benefits(one, each)) ||
              (each.beneficiary.kind === 'administration' && below(each.beneficiary.administration)))),
      ),
      all || isOperator || isAdmin,
    ),
    ListIdentities: sorted(
      named(
        'identities',
        state.access.identities.values(),
        (one) =>
          all ||
          one.id === id ||
          (isOperator && one.partner === partner) ||
          (isAdmin && one.administration !== null && below(one.administration)),
      ),
      user,
    ),
    ListJoinTokens: sorted(
      named('joinTokens', state.access.tokens.values(), ({ site }) => all || isOwnSite(site)),
      all || isOperator,
    ),
  };
}
