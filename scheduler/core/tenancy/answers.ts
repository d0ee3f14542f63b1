/** Questions about tenancy: asked of the same functions as a decision, and leaving nothing behind. */
import type { Administration, Host, Site, Vm } from '../model.js';
import { explain } from '../placement/explanation.js';
import { refuseNoHost } from '../placement/no-host.js';
import { requestForMove } from '../placement/request.js';
import { findHost } from '../placement/search.js';
import type { Refusal } from '../refusal.js';
import type { State } from '../state.js';
import type { Agreement, ResidencyRule } from './model.js';
import { internalLevel } from './residency.js';

/** What residency and agreements say to one site. */
export interface SiteVerdict {
  site: Site;
  lawful: boolean;
  /** The rule that decides; null when the level of the class does. */
  rule: ResidencyRule | null;
  served: boolean;
  /** Under which it is served, in the order in which they are used; none for a site that serves it anyway. */
  agreements: Agreement[];
  reason: string;
}

/** On which sites VMs of an administration and class may be, and why; by id. */
export function explainResidency(
  state: State,
  administration: Administration,
  dataClass: string,
): SiteVerdict[] {
  const { tenancy } = state;
  const sites = [...state.sites.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  return sites.map((site) => {
    const { lawful, rule } = tenancy.residency(administration, dataClass, site);
    const { free, agreements } = tenancy.service(administration, site);
    const served = free || agreements.length > 0;
    const level = tenancy.classes.get(dataClass)?.level ?? 0;
    const law = lawWords(rule, lawful, level, administration, site);
    const first = agreements[0]?.agreement;
    const service = free
      ? `partner "${site.partner}" serves it`
      : first === undefined
        ? `there is no agreement in force with partner "${site.partner}"`
        : `agreement "${first.id}" opens it`;
    const under = agreements.map(({ agreement }) => agreement);
    return { site, lawful, rule, served, agreements: under, reason: `${law}; ${service}` };
  });
}

function lawWords(
  rule: ResidencyRule | null,
  lawful: boolean,
  level: number,
  { country }: Administration,
  site: Site,
): string {
  if (rule !== null) return `rule "${rule.id}" ${lawful ? 'allows' : 'forbids'} it (${rule.legalBasis})`;
  if (level <= internalLevel) return 'no rule speaks about it, and data of this class may be anywhere';
  if (lawful) return `no rule speaks about it, and ${site.country} is the administration's own country`;
  return `no rule allows it, and data of this class stay in ${country}`;
}

/** Where a VM would move now, or why it can go nowhere. */
export function plannedHost(state: State, vm: Vm): { host: Host; noHost?: undefined } | { noHost: Refusal } {
  const image = state.imagesByUid.get(vm.spec.imageUid);
  const request = requestForMove(state, vm, image?.architecture ?? '', vm.host === null ? [] : [vm.host]);
  // Where its data may not be, no host of the site will do; an agreement that has ended opens nothing.
  const row = findHost(state, request);
  if (row >= 0) return { host: state.hostTable.hosts[row] as Host };
  return { noHost: refuseNoHost(explain(state, request), vm.spec, vm.id) };
}
