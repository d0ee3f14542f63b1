/**
 * The agreements as far as the journal has been read, and which VMs are under each. When the price changes, or who owes it,
 * the VMs that are there go on under new terms.
 */
import type { Change } from '../changes.js';
import type { Agreement, Beneficiary, Price } from '../tenancy/model.js';
import type { Homes } from './homes.js';
import type { CountedVm, Ledger } from './ledger.js';
import { must } from './must.js';
import type { Terms } from './segment.js';

export interface AgreementAccount {
  beneficiary: Beneficiary;
  terms: Terms;
  /** VMs that hosts have under it. */
  vms: Set<CountedVm>;
}

export class Agreements {
  readonly #accounts: Map<string, AgreementAccount>;
  readonly #homes: Homes;

  /** `cut` ends a VM's segment, before anything of it changes. */
  constructor(
    { accounts, homes }: Pick<Ledger, 'accounts' | 'homes'>,
    private readonly cut: (vm: CountedVm, atMs: number) => void,
  ) {
    this.#accounts = accounts;
    this.#homes = homes;
  }

  get(id: string): AgreementAccount | undefined {
    return this.#accounts.get(id);
  }

  set({ id, partner, beneficiary, price }: Agreement, atMs: number): void {
    const debtor = this.#debtorOf(beneficiary);
    const terms: Terms = { agreement: id, creditor: `partners/${partner}`, debtor, price };
    const known = this.#accounts.get(id);
    if (known === undefined) this.#accounts.set(id, { beneficiary, terms, vms: new Set() });
    else {
      known.beneficiary = beneficiary;
      this.#renew(known, terms, atMs);
    }
  }

  delete(change: Extract<Change, { type: 'agreement.deleted' }>): void {
    must(this.#accounts.get(change.id), change);
    this.#accounts.delete(change.id);
  }

  /** Administrations, or only this one, may have become another partner's own. */
  homesChanged(atMs: number, only?: string): void {
    for (const account of this.#accounts.values()) {
      const { beneficiary, terms } = account;
      if (beneficiary.kind === 'partner') continue;
      if (only !== undefined && beneficiary.administration !== only) continue;
      this.#renew(account, { ...terms, debtor: this.#debtorOf(beneficiary) }, atMs);
    }
  }

  #renew(account: AgreementAccount, terms: Terms, atMs: number): void {
    const { creditor, debtor, price } = account.terms;
    if (terms.creditor === creditor && terms.debtor === debtor && samePrice(terms.price, price)) return;
    for (const vm of account.vms) this.cut(vm, atMs);
    account.terms = terms;
  }

  #debtorOf(beneficiary: Beneficiary): string {
    if (beneficiary.kind === 'partner') return `partners/${beneficiary.partner}`;
    const home = this.#homes.homeOf(beneficiary.administration);
    return home === null ? `administrations/${beneficiary.administration}` : `partners/${home}`;
  }
}

/** Whether two prices are the same to whoever pays them. */
function samePrice(one: Price, other: Price): boolean {
  return (
    one.currency === other.currency &&
    one.vcpuMicros === other.vcpuMicros &&
    one.memoryGibMicros === other.memoryGibMicros &&
    one.diskGibMicros === other.diskGibMicros &&
    one.stoppedPercent === other.stoppedPercent
  );
}
