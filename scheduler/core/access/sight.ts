/**
 * What is in sight of a standing, and what of it is its own. Reads, lists and watches show what is in sight; what is not
 * answers as if it did not exist. What everybody who may call is to know is in everybody's sight: sites, partners, images,
 * data classes, and to whom VMs belong also pools; with their numbers left out where they are another's.
 */
import type { Administration, Host, Operation, Site, StoragePool, Vm } from '../model.js';
import type { State } from '../state.js';
import type { Agreement, Loan, ResidencyRule } from '../tenancy/model.js';
import { isOwn } from '../tenancy/partners.js';
import type { Standing } from './caller.js';
import type { Identity, JoinToken } from './model.js';

export class Sight {
  /** Everything is in sight, with all its numbers. */
  readonly isWhole: boolean;
  readonly #state: State;
  /** Of a partner's operator, else null. */
  readonly partner: string | null;
  /** The top of the subtree of an administration's administrator or user, else null. */
  readonly top: string | null;
  readonly #self: string | null;
  #beneficiaries: string[] | null = null;

  constructor(
    state: State,
    readonly standing: Standing,
  ) {
    const { role, partner = null, administration = null, identity = null } = standing;
    this.#state = state;
    this.isWhole = role === 'federation_administrator' || role === 'auditor' || role === 'insecure';
    this.partner = partner;
    this.top = administration;
    this.#self = identity;
  }

  /** Whether an administration is the caller's own, or below it. */
  isInSubtree(administration: string): boolean {
    return this.top !== null && this.#state.isWithin(administration, this.top);
  }

  administration(administration: Administration): boolean {
    if (this.isWhole || this.isInSubtree(administration.id)) return true;
    return this.partner !== null && this.#isServed(administration, this.partner);
  }

  /** Whether an administration is one of the partner's own, may use its sites by name, or has VMs there. */
  #isServed(administration: Administration, id: string): boolean {
    const { tenancy, sites } = this.#state;
    const partner = tenancy.partners.get(id);
    const isWithin = this.#state.isWithin.bind(this.#state);
    if (partner !== undefined && isOwn(partner, administration, isWithin)) return true;
    if (this.#served(id).some((top) => isWithin(administration.id, top))) return true;
    for (const [site, { held }] of tenancy.tree.node(administration.id).cells)
      if (held.vms > 0 && sites.get(site)?.partner === id) return true;
    return false;
  }

  #served(partner: string): string[] {
    this.#beneficiaries ??= [...this.#state.tenancy.agreements.values()].flatMap((agreement) => {
      const { beneficiary } = agreement;
      return agreement.partner === partner && beneficiary.kind === 'administration'
        ? [beneficiary.administration]
        : [];
    });
    return this.#beneficiaries;
  }

  /** Whether a site is the caller's partner's. */
  ownsSite(site: Site | undefined): boolean {
    return this.partner !== null && site?.partner === this.partner;
  }

  #ownsSiteOf(host: Host | undefined): boolean {
    return host !== undefined && this.ownsSite(this.#state.sites.get(host.site));
  }

  host(host: Host): boolean {
    if (this.isWhole || this.#ownsSiteOf(host) || this.#isDedicated(host)) return true;
    if (this.top === null) return false;
    for (const { administration } of this.#state.vmsOfHost(host.id))
      if (this.isInSubtree(administration)) return true;
    return false;
  }

  /** As `host`, for all of them: from the VMs if these are few, else from the hosts, where one is soon found. */
  hosts(): (host: Host) => boolean {
    if (this.top === null || this.vmCount() > this.#state.hosts.size) return (host) => this.host(host);
    const having = new Set<string | null>();
    for (const { host } of this.#state.vmsWithin(this.top)) having.add(host);
    return (host) => having.has(host.id) || this.#isDedicated(host);
  }

  /** How many VMs are in sight. */
  vmCount(): number {
    if (this.isWhole) return this.#state.vms.size;
    let count = 0;
    if (this.top !== null)
      for (const { id } of this.#state.tenancy.tree.node(this.top).subtree())
        count += this.#state.vmCountOfAdministration(id);
    else
      for (const host of this.#state.hosts.values())
        if (this.#ownsSiteOf(host)) count += this.#state.vmCountOfHost(host.id);
    return count;
  }

  #isDedicated({ dedicatedTo }: Host): boolean {
    return dedicatedTo !== null && this.isInSubtree(dedicatedTo);
  }

  /** Whether what a host has and holds are the caller's own numbers: it is its partner's, or its VMs' alone. */
  numbersOfHost(host: Host): boolean {
    return this.isWhole || this.#ownsSiteOf(host) || this.#isDedicated(host);
  }

  vm({ administration, host }: Vm): boolean {
    if (this.isWhole || this.isInSubtree(administration)) return true;
    return this.partner !== null && host !== null && this.#ownsSiteOf(this.#state.hosts.get(host));
  }

  /** Whether a VM is the caller's to read whole: not that of an operator on whose host it is. */
  wholeVm({ administration }: Vm): boolean {
    return this.isWhole || this.isInSubtree(administration);
  }

  /** By its VMs, or by the administration that they had when they are gone. */
  operation(operation: Operation): boolean {
    if (this.isWhole) return true;
    if (this.top !== null) {
      const owner = operation.administration ?? this.#ownerOf(operation);
      return owner !== undefined && this.isInSubtree(owner);
    }
    return operation.targets.some((uid) => this.#seesUid(uid));
  }

  #ownerOf({ targets }: Operation): string | undefined {
    for (const uid of targets) {
      const vm = this.#state.vms.get(uid);
      if (vm !== undefined) return vm.administration;
    }
    return undefined;
  }

  #seesUid(uid: string): boolean {
    const vm = this.#state.vms.get(uid);
    return vm !== undefined && this.vm(vm);
  }

  pool({ site }: StoragePool): boolean {
    return this.isWhole || this.top !== null || this.ownsSite(this.#state.sites.get(site));
  }

  token({ site }: JoinToken): boolean {
    return this.isWhole || this.ownsSite(this.#state.sites.get(site));
  }

  agreement({ partner, beneficiary }: Agreement): boolean {
    if (this.isWhole) return true;
    if (this.partner !== null)
      return (
        partner === this.partner || (beneficiary.kind === 'partner' && beneficiary.partner === this.partner)
      );
    if (this.top === null) return false;
    if (beneficiary.kind === 'administration')
      return (
        this.#state.isWithin(this.top, beneficiary.administration) ||
        this.isInSubtree(beneficiary.administration)
      );
    return this.#hasOwnOf(beneficiary.partner, this.top);
  }

  /** Whether some administration of a subtree is a partner's own. */
  #hasOwnOf(id: string, top: string): boolean {
    const { tenancy, administrations } = this.#state;
    const partner = tenancy.partners.get(id);
    if (partner === undefined) return false;
    const isWithin = this.#state.isWithin.bind(this.#state);
    for (const node of tenancy.tree.node(top).subtree()) {
      const administration = administrations.get(node.id);
      if (administration !== undefined && isOwn(partner, administration, isWithin)) return true;
    }
    return false;
  }

  /** Whether all that is held under an agreement is the caller's own, or held on its own sites. */
  useOfAgreement({ partner, beneficiary }: Agreement): boolean {
    if (this.isWhole) return true;
    if (this.partner !== null)
      return (
        partner === this.partner || (beneficiary.kind === 'partner' && beneficiary.partner === this.partner)
      );
    return beneficiary.kind === 'administration' && this.isInSubtree(beneficiary.administration);
  }

  /** Both sides of a loan know it. */
  loan({ lender, borrower }: Loan): boolean {
    return this.isWhole || this.isInSubtree(lender) || this.isInSubtree(borrower);
  }

  /** Rules that hold for the caller's administrations. */
  rule({ administration }: ResidencyRule): boolean {
    if (this.isWhole || administration === null) return true;
    if (this.top !== null)
      return this.isInSubtree(administration) || this.#state.isWithin(this.top, administration);
    const found = this.#state.administrations.get(administration);
    return found !== undefined && this.administration(found);
  }

  identity({ id, partner, administration }: Identity): boolean {
    if (this.isWhole || id === this.#self) return true;
    const { role } = this.standing;
    if (role === 'partner_operator') return partner !== null && partner === this.partner;
    return (
      role === 'administration_administrator' && administration !== null && this.isInSubtree(administration)
    );
  }
}
