/**
 * Who may use what, and where: the records of tenancy with what VMs hold under them. Placement asks here which sites are
 * closed to a request; `apply` keeps the sums. Nothing here looks at a clock: what begins or ends at a time does so by a
 * change (PROTOCOL E3).
 */
import type { Administration, HostCapacity, Site } from '../model.js';
import type { Admission, Foreign, Service } from './admission.js';
import { Admissions } from './admissions.js';
import { type Held, type Holdings, Sum } from './holdings.js';
import { spreadLoans } from './loans.js';
import type { Agreement, Breach, DataClass, Loan, Partner, Quota, ResidencyRule } from './model.js';
import { AgreementMeter, agreementsFor, isOwn, newPartner, Offered, PartnerMeter } from './partners.js';
import { builtInClasses, residencyOf, type ResidencyVerdict, rulesInForce } from './residency.js';
import { quotaKey, scopeKey } from './scope.js';
import { boundaryOf } from './times.js';
import { type Cell, type Node, Tree } from './tree.js';

/** What tenancy reads of the rest of the state. */
export interface Surroundings {
  readonly sites: ReadonlyMap<string, Site>;
  readonly administrations: ReadonlyMap<string, Administration>;
  isWithin(administration: string, ancestor: string): boolean;
}

export class Tenancy {
  readonly partners = new Map<string, Partner>();
  readonly quotas = new Map<string, Quota>();
  readonly loans = new Map<string, Loan>();
  /** Those that move limits now. Ended ones are kept, and are more with every year. */
  readonly #activeLoans = new Map<string, Loan>();
  readonly classes = new Map<string, DataClass>(builtInClasses.map((each) => [each.id, each]));
  readonly rules = new Map<string, ResidencyRule>();
  readonly agreements = new Map<string, Agreement>();
  readonly breaches = new Map<string, Breach>();
  readonly tree = new Tree();
  /** Administrations of whose subtrees breaches are to be looked for; an empty id stands for all. */
  readonly #unreviewed = new Set<string>();
  /** Administrations that are next, each without its subtree. */
  #toReview: string[] = [];
  readonly #state: Surroundings;
  readonly #partnerMeters = new Map<string, PartnerMeter>();
  readonly #agreementMeters = new Map<string, AgreementMeter>();
  readonly #offered = new Offered();
  /** By administration (an empty id for rules about all), then by class. */
  readonly #rulesOf = new Map<string, Map<string, ResidencyRule[]>>();
  readonly #admissions: Admissions;
  #nextMs: number | null = Number.POSITIVE_INFINITY;

  constructor(state: Surroundings) {
    this.#state = state;
    this.#admissions = new Admissions({
      sites: () => [...state.sites.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
      administration: (id) => state.administrations.get(id),
      node: (id) => this.tree.node(id),
      level: (dataClass) => this.classes.get(dataClass)?.level ?? Number.POSITIVE_INFINITY,
      rulesFor: (node, dataClass) => this.#rulesFor(node, dataClass),
      service: (administration, sites) => this.#serviceOn(administration, sites),
    });
  }

  /** The next time at which something begins or ends; infinity when there is none. */
  get nextMs(): number {
    if (this.#nextMs !== null) return this.#nextMs;
    let next = Number.POSITIVE_INFINITY;
    for (const records of [this.#activeLoans, this.rules, this.agreements])
      for (const record of records.values()) next = Math.min(next, boundaryOf(record));
    this.#nextMs = next;
    return next;
  }

  /** Whether something has changed that may have put VMs in breach, or out of it. */
  get hasUnreviewed(): boolean {
    return this.#unreviewed.size + this.#toReview.length > 0;
  }

  /** Hands over administrations whose VMs are to be looked at, at most so many. */
  takeUnreviewed(most: number): string[] {
    for (const id of this.#unreviewed) {
      if (this.#toReview.length >= most) break;
      this.#unreviewed.delete(id);
      for (const node of id === '' ? this.tree.nodes() : this.tree.node(id).subtree())
        this.#toReview.push(node.id);
    }
    return this.#toReview.splice(0, most);
  }

  setPartner(partner: Partner): void {
    this.partners.set(partner.id, partner);
    this.partnerMeter(partner.id).partner = partner;
    this.#changed();
  }

  removePartner(id: string): void {
    this.partners.delete(id);
    this.#partnerMeters.delete(id);
    this.#changed();
  }

  hangAdministration(id: string, parent: string | null): void {
    this.tree.hang(id, parent);
    this.#settleLoans();
    this.#changed();
  }

  removeAdministration(id: string): void {
    this.tree.remove(id);
    this.#changed();
  }

  /** To be called after a site has come, changed, or gone. */
  siteChanged(id: string): void {
    if (!this.#state.sites.has(id)) for (const { cells } of this.tree.nodes()) cells.delete(id);
    this.#changed();
  }

  setQuota(quota: Quota): void {
    const known = this.quotas.has(quotaKey(quota.administration, quota.scope));
    this.quotas.set(quotaKey(quota.administration, quota.scope), quota);
    const { node } = this.tree.setQuota(quota);
    if (known) return;
    this.#settleLoans();
    this.#admissions.forgetQuotas(node);
  }

  removeQuota(key: string): void {
    const quota = this.quotas.get(key);
    if (quota === undefined) return;
    this.quotas.delete(key);
    this.tree.removeQuota(quota.administration, scopeKey(quota.scope));
    this.#admissions.forgetQuotas(this.tree.node(quota.administration));
  }

  setLoan(loan: Loan): void {
    this.loans.set(loan.id, loan);
    if (loan.state === 'active') this.#activeLoans.set(loan.id, loan);
    else this.#activeLoans.delete(loan.id);
    this.#settleLoans();
    this.#nextMs = null;
  }

  #settleLoans(): void {
    if (this.loans.size > 0) spreadLoans(this.#activeLoans.values(), this.tree);
  }

  setClass(dataClass: DataClass): void {
    this.classes.set(dataClass.id, dataClass);
    this.#changed();
  }

  removeClass(id: string): void {
    this.classes.delete(id);
    this.#changed();
  }

  setRule(rule: ResidencyRule): void {
    this.removeRule(rule.id);
    this.rules.set(rule.id, rule);
    const administration = rule.administration ?? '';
    const byClass = this.#rulesOf.get(administration) ?? new Map<string, ResidencyRule[]>();
    this.#rulesOf.set(administration, byClass);
    byClass.set(rule.dataClass, [...(byClass.get(rule.dataClass) ?? []), rule]);
    this.#lawChanged(rule);
  }

  removeRule(id: string): void {
    const rule = this.rules.get(id);
    if (rule === undefined) return;
    this.rules.delete(id);
    const byClass = this.#rulesOf.get(rule.administration ?? '');
    byClass?.set(
      rule.dataClass,
      (byClass.get(rule.dataClass) ?? []).filter((other) => other.id !== id),
    );
    this.#lawChanged(rule);
  }

  #lawChanged({ administration, dataClass }: ResidencyRule): void {
    this.#nextMs = null;
    this.#admissions.forgetLaw(administration === null ? null : this.tree.node(administration), dataClass);
    this.#unreviewed.add(administration ?? '');
  }

  setAgreement(agreement: Agreement): void {
    this.agreements.set(agreement.id, agreement);
    const meter = this.agreementMeter(agreement);
    meter.agreement = agreement;
    meter.settle();
    this.#nextMs = null;
    this.#changed();
  }

  removeAgreement(id: string): void {
    this.agreements.delete(id);
    this.#agreementMeters.delete(id);
    this.#nextMs = null;
    this.#changed();
  }

  setBreach(breach: Breach): void {
    this.breaches.set(breach.id, breach);
  }

  removeBreach(id: string): void {
    this.breaches.delete(id);
  }

  partnerMeter(id: string): PartnerMeter {
    let meter = this.#partnerMeters.get(id);
    if (meter === undefined) {
      meter = new PartnerMeter(this.partners.get(id) ?? unregistered(id));
      this.#partnerMeters.set(id, meter);
    }
    return meter;
  }

  agreementMeter(agreement: Agreement): AgreementMeter {
    let meter = this.#agreementMeters.get(agreement.id);
    if (meter === undefined) {
      meter = new AgreementMeter(agreement, this.partnerMeter(agreement.partner));
      this.#agreementMeters.set(agreement.id, meter);
    }
    return meter;
  }

  agreementMeters(): Iterable<AgreementMeter> {
    return this.#agreementMeters.values();
  }

  quotaUse({ administration, scope }: Quota): { used: Holdings; borrowed: Holdings; lent: Holdings } {
    const meter = this.tree.node(administration).meters.get(scopeKey(scope));
    return meter ?? { used: new Sum(), borrowed: new Sum(), lent: new Sum() };
  }

  agreementUse(id: string): Holdings {
    return this.#agreementMeters.get(id)?.used ?? new Sum();
  }

  partnerUse(id: string): { offered: Holdings; heldByOthers: Holdings } {
    return this.#partnerMeters.get(id) ?? { offered: new Sum(), heldByOthers: new Sum() };
  }

  /** What the VMs of an administration hold, without those below it. */
  heldBy(administration: string): Sum {
    const sum = new Sum();
    for (const { held } of this.tree.node(administration).cells.values()) sum.add(held, 1);
    return sum;
  }

  /** A host of a site offers this to VMs, or with null nothing any more. */
  hostOffers(row: number, site: Site | undefined, capacity: HostCapacity | null): void {
    const meter = site === undefined ? undefined : this.partnerMeter(site.partner);
    this.#offered.host(row, meter, capacity);
  }

  /**
   * Adds what a VM holds on a site, or takes it off. The class is left out for what a decision claims for a while: only
   * VMs that exist are counted by class.
   */
  claim(
    administration: string,
    site: Site,
    held: Held,
    agreement: string | undefined,
    dataClass: string | undefined,
    sign: 1 | -1,
  ): void {
    const node = this.tree.node(administration);
    const cell = this.tree.cell(node, site);
    this.tree.claim(node, cell, held, sign);
    if (dataClass !== undefined) this.#countClass(node, cell, dataClass, agreement, sign);
    if (agreement === undefined) return;
    this.#agreementMeters.get(agreement)?.used.add(held, sign);
    this.partnerMeter(site.partner).heldByOthers.add(held, sign);
  }

  #countClass(node: Node, cell: Cell, dataClass: string, agreement: string | undefined, sign: 1 | -1): void {
    const count = (cell.classes.get(dataClass) ?? 0) + sign;
    if (count === 0) cell.classes.delete(dataClass);
    else cell.classes.set(dataClass, count);
    if (agreement === undefined) cell.withoutAgreement += sign;
    // The last one that goes, or one that was found there, may end or begin a breach.
    // Those below it hold what they held.
    if (sign === -1 && this.breaches.size > 0) this.#toReview.push(node.id);
  }

  /** The partner whose own administration it is, as far as money is concerned; null when it is nobody's. */
  homePartner(id: string): Partner | null {
    const administration = this.#state.administrations.get(id);
    if (administration === undefined) return null;
    const partners = [...this.partners.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    for (const { id: ancestor } of this.tree.node(id).upwards()) {
      const naming = partners.find((partner) => partner.administrations.includes(ancestor));
      if (naming !== undefined) return naming;
    }
    const { country } = administration;
    return partners.find((each) => each.administrations.length === 0 && each.country === country) ?? null;
  }

  /** What the rules in force say to VMs of an administration and class on a site. */
  residency(administration: Administration, dataClass: string, site: Site): ResidencyVerdict {
    const level = this.classes.get(dataClass)?.level ?? Number.POSITIVE_INFINITY;
    const rules = rulesInForce(this.#rulesFor(this.tree.node(administration.id), dataClass));
    return residencyOf(rules, level, administration.country, site);
  }

  #rulesFor(from: Node, dataClass: string): ResidencyRule[] {
    const rules = [...(this.#rulesOf.get('')?.get(dataClass) ?? [])];
    if (this.#rulesOf.size === 0) return rules;
    for (const { id } of from.upwards()) rules.push(...(this.#rulesOf.get(id)?.get(dataClass) ?? []));
    return rules;
  }

  /** Whether a site serves an administration without an agreement, and otherwise under which ones. */
  service(administration: Administration, site: Site): { free: boolean; agreements: AgreementMeter[] } {
    const partner = this.partners.get(site.partner);
    const isWithin = this.#state.isWithin.bind(this.#state);
    if (partner === undefined || partner.open || isOwn(partner, administration, isWithin))
      return { free: true, agreements: [] };
    const ancestors = [...this.tree.node(administration.id).upwards()].map(({ id }) => id);
    const ofPartner = [...this.#agreementMeters.values()].filter(
      ({ agreement }) => agreement.partner === partner.id,
    );
    const agreements = agreementsFor(ofPartner, ancestors, (id) => {
      const other = this.partners.get(id);
      return other !== undefined && isOwn(other, administration, isWithin);
    });
    return { free: false, agreements };
  }

  admission(id: string, dataClass: string): Admission {
    return this.#admissions.of(id, dataClass);
  }

  #serviceOn(administration: Administration, sites: readonly Site[]): Service {
    const served = new Set<string>();
    const foreign: Foreign[] = [];
    for (const [partner, some] of byPartner(sites)) {
      const { free, agreements } = this.service(administration, some[0] as Site);
      if (!free && agreements.length === 0) continue;
      const ids = some.map(({ id }) => id);
      for (const id of ids) served.add(id);
      if (!free) foreign.push({ provider: this.partnerMeter(partner), sites: ids, agreements });
    }
    return { served: served.size === sites.length ? null : served, foreign };
  }

  #changed(): void {
    this.#admissions.forgetAll();
    this.#unreviewed.add('');
  }
}

/** In the order of the sites. */
function byPartner(sites: readonly Site[]): Map<string, Site[]> {
  const found = new Map<string, Site[]>();
  for (const site of sites) {
    const some = found.get(site.partner);
    if (some === undefined) found.set(site.partner, [site]);
    else some.push(site);
  }
  return found;
}

/** A partner of which nothing is known but its sites: they serve everybody, as before there were partners. */
function unregistered(id: string): Partner {
  return newPartner(id, '', '', [], true, 0);
}
