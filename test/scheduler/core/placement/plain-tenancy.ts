/** What quotas, residency and agreements say to a request, worked out from the records and the VMs alone. */
import type { Administration, Site, Vm } from '../../../../scheduler/core/model.js';
import type { PlacementRequest } from '../../../../scheduler/core/placement/request.js';
import type { State } from '../../../../scheduler/core/state.js';
import type { Agreement, Limits, Loan, Partner, Scope } from '../../../../scheduler/core/tenancy/model.js';

type Amounts = Record<string, number>;

export class PlainTenancy {
  /** Answers by site: they are the same for all its hosts. */
  readonly #known = new Map<string, unknown>();

  constructor(
    readonly state: State,
    readonly vms: Vm[],
    readonly request: PlacementRequest,
  ) {}

  ancestors(id: string): string[] {
    const parent = this.state.administrations.get(id)?.parent ?? null;
    return [id, ...(parent === null ? [] : this.ancestors(parent))];
  }

  #once<T>(what: string, site: Site, find: () => T): T {
    const key = `${what} ${site.id}`;
    if (!this.#known.has(key)) this.#known.set(key, find());
    return this.#known.get(key) as T;
  }

  lawful(site: Site): boolean {
    return this.#once('lawful', site, () => this.#lawful(site));
  }

  #lawful(site: Site): boolean {
    const { administration, dataClass } = this.request;
    const above = this.ancestors(administration);
    const rules = [...this.state.tenancy.rules.values()].filter(
      (rule) =>
        rule.state === 'in_force' &&
        rule.dataClass === dataClass &&
        (rule.administration === null || above.includes(rule.administration)),
    );
    const has = ({ countries, jurisdictions }: { countries: string[]; jurisdictions: string[] }) =>
      countries.includes(site.country) || site.jurisdictions.some((one) => jurisdictions.includes(one));
    for (let priority = 1000; priority >= 0; priority -= 1) {
      const some = rules.filter((rule) => rule.priority === priority);
      if (some.some((rule) => has(rule.forbidden))) return false;
      if (some.some((rule) => has(rule.allowed))) return true;
      if (some.some(({ allowed }) => allowed.countries.length + allowed.jurisdictions.length > 0))
        return false;
    }
    const ownLevel = this.state.tenancy.classes.get(dataClass)?.level;
    const level = { public: 0, internal: 10, personal: 20, special: 30 }[dataClass] ?? ownLevel ?? 100;
    return level <= 10 || site.country === this.administration.country;
  }

  get administration(): Administration {
    return this.state.administrations.get(this.request.administration) as Administration;
  }

  isOwn({ administrations, country }: Partner): boolean {
    if (administrations.length === 0) return country === this.administration.country;
    return this.ancestors(this.request.administration).some((id) => administrations.includes(id));
  }

  /** Null where none is needed. */
  agreements(site: Site): Agreement[] | null {
    return this.#once('agreements', site, () => this.#agreements(site));
  }

  #agreements(site: Site): Agreement[] | null {
    const partner = this.state.tenancy.partners.get(site.partner) as Partner;
    if (partner.open || this.isOwn(partner)) return null;
    const above = this.ancestors(this.request.administration);
    const distance = ({ beneficiary }: Agreement) =>
      beneficiary.kind === 'administration' ? above.indexOf(beneficiary.administration) : 1000;
    return [...this.state.tenancy.agreements.values()]
      .filter(({ partner: provider, state }) => provider === partner.id && state === 'in_force')
      .filter(({ beneficiary }) =>
        beneficiary.kind === 'administration'
          ? above.includes(beneficiary.administration)
          : this.isOwn(this.state.tenancy.partners.get(beneficiary.partner) as Partner),
      )
      .sort(
        (a, b) =>
          distance(a) - distance(b) || a.price.vcpuMicros - b.price.vcpuMicros || (a.id < b.id ? -1 : 1),
      );
  }

  /** What closes a site to the request: the codes of quotas and agreements. */
  closes(site: Site): string[] {
    return this.#once('closes', site, () => this.#closes(site));
  }

  #closes(site: Site): string[] {
    const codes: string[] = [];
    const quotas = [...this.state.tenancy.quotas.values()].filter(
      ({ administration, scope }) =>
        this.ancestors(this.request.administration).includes(administration) && isIn(scope, site),
    );
    const short = quotas.some((quota) => {
      const { administration, scope } = quota;
      const used = this.sum(
        (vm, at) => this.ancestors(vm.administration).includes(administration) && isIn(scope, at),
      );
      const counted = this.request.counted !== null && isIn(scope, this.siteOf(this.request.counted.site));
      return exceeds(this.withLoans(quota), used, this.more(counted));
    });
    if (short) codes.push('QUOTA_EXCEEDED');
    const agreements = this.agreements(site);
    if (agreements === null || agreements.length === 0) return codes;
    const verdicts = agreements.map((agreement) => this.exhausted(agreement, site));
    if (verdicts.every((code) => code !== null)) codes.push(verdicts[0] as string);
    return codes;
  }

  /** The agreement that a VM would have on a site. */
  agreementOn(site: Site): string | undefined {
    return this.agreements(site)?.find((agreement) => this.exhausted(agreement, site) === null)?.id;
  }

  exhausted(agreement: Agreement, site: Site): string | null {
    const { counted } = this.request;
    const used = this.sum((vm) => vm.agreement === agreement.id);
    const own = this.more(counted?.agreement === agreement.id);
    if (exceeds(agreement.limit, used, own)) return 'AGREEMENT_EXHAUSTED';
    const offered = this.offered(site.partner);
    const { limitPercent } = agreement;
    if (limitPercent !== null) {
      const share = (name: string) => Math.floor(((offered[name] ?? 0) * limitPercent) / 100);
      const limit = { vcpus: share('vcpus'), memoryMib: share('memoryMib'), diskMib: share('diskMib') };
      if (exceeds(limit, used, own)) return 'AGREEMENT_EXHAUSTED';
    }
    const kept = flat(agreement.reserve);
    const most = Object.fromEntries(
      Object.entries(kept).map(([name, count]) => [name, Math.max(0, (offered[name] ?? 0) - count)]),
    );
    const others = this.sum((vm, at) => vm.agreement !== undefined && at.partner === site.partner);
    const isThere = counted?.agreement !== undefined && this.siteOf(counted.site).partner === site.partner;
    return exceeds(most, others, this.more(isThere)) ? 'RESERVE_KEPT' : null;
  }

  more(counted: boolean): Amounts {
    return flat(counted ? (this.request.counted?.growth ?? {}) : this.request.holds);
  }

  offered(partner: string): Amounts {
    const sum: Amounts = {};
    for (const host of this.state.hosts.values()) {
      const site = this.siteOf(host.site);
      if (site.partner !== partner || host.state === 'retired') continue;
      const percent = host.vcpuOvercommitPercent ?? site.vcpuOvercommitPercent;
      add(sum, flat({ ...host.capacity, vcpus: Math.floor((host.capacity.vcpus * percent) / 100) }));
    }
    return sum;
  }

  sum(counts: (vm: Vm, site: Site) => boolean): Amounts {
    const sum: Amounts = {};
    for (const vm of this.vms) {
      const site = this.siteOf(this.state.hosts.get(vm.host as string)?.site as string);
      if (!counts(vm, site)) continue;
      const { vcpus, memoryMib, diskMib, extras } = vm.spec;
      const gone = vm.displacedFor !== undefined || vm.parked === true;
      const held = { vcpus: gone ? 0 : vcpus, memoryMib: gone ? 0 : memoryMib, diskMib, vms: 1 };
      add(sum, flat(extras === undefined ? held : { ...held, extras }));
    }
    return sum;
  }

  /** `loans` may be left out those that have ended, where they are many. */
  withLoans(
    { administration, scope, limit }: { administration: string; scope: Scope; limit: Limits },
    loans: Iterable<Loan> = this.state.tenancy.loans.values(),
  ): Amounts {
    const adjusted = flat(limit);
    const apply = ({ amount }: Loan, sign: number) => {
      for (const [name, count] of Object.entries(flat(amount)))
        if (adjusted[name] !== undefined) adjusted[name] += sign * count;
    };
    for (const loan of loans) {
      if (loan.state !== 'active' || JSON.stringify(loan.scope) !== JSON.stringify(scope)) continue;
      const lends = this.ancestors(loan.lender).includes(administration);
      const borrows = this.ancestors(loan.borrower).includes(administration);
      if (lends && !borrows) apply(loan, -1);
      if (borrows && !lends) apply(loan, 1);
    }
    return adjusted;
  }

  siteOf(id: string): Site {
    return this.state.sites.get(id) as Site;
  }
}

function isIn(scope: Scope, { id, country }: Site): boolean {
  if (scope.kind === 'everywhere') return true;
  return scope.kind === 'country' ? scope.country === country : scope.site === id;
}

/** Counted extras beside the rest, by name. */
function flat({ vcpus, memoryMib, diskMib, vms, extras = {} }: Limits): Amounts {
  const amounts: Amounts = { ...extras };
  if (vcpus !== undefined) amounts['vcpus'] = vcpus;
  if (memoryMib !== undefined) amounts['memoryMib'] = memoryMib;
  if (diskMib !== undefined) amounts['diskMib'] = diskMib;
  if (vms !== undefined) amounts['vms'] = vms;
  return amounts;
}

function add(sum: Amounts, amounts: Amounts): void {
  for (const [name, count] of Object.entries(amounts)) sum[name] = (sum[name] ?? 0) + count;
}

function exceeds(limit: Limits | Amounts, used: Amounts, more: Amounts): boolean {
  const most = 'extras' in limit ? flat(limit as Limits) : (limit as Amounts);
  return Object.entries(more).some(([name, count]) => {
    const bound = most[name];
    return bound !== undefined && count > 0 && (used[name] ?? 0) + count > bound;
  });
}
