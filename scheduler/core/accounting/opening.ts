/**
 * A ledger as text, so that accounting can begin at a later place of the journal than at its first decision: a head, and then
 * the VMs, some of them a part. Whoever goes on from it comes to the same segments as whoever has read everything.
 */
import type { AgreementAccount } from './agreements.js';
import { Homes, type KnownHomes } from './homes.js';
import type { CountedVm, Ledger } from './ledger.js';

/** VMs of one part. */
const vmsAtOnce = 1000;

/** Which form it has. */
const formVersion = 1;

interface Head {
  opening: typeof formVersion;
  lastMs: number;
  homes: KnownHomes;
  sites: [id: string, site: { country: string; partner: string }][];
  hosts: [id: string, site: string][];
  everSeen: string[];
  /** Those that VMs are under, and those that there are; `id` is null of one that is gone. */
  accounts: (Omit<AgreementAccount, 'vms'> & { id: string | null })[];
  /** How many follow. */
  vms: number;
}

/** A VM, with the index of its account in the head. */
type SavedVm = Omit<CountedVm, 'account'> & { account: number | null };

export function* openingOf(ledger: Ledger): Generator<string> {
  const indexes = new Map<AgreementAccount, number>();
  const accounts: Head['accounts'] = [];
  const add = (id: string | null, account: AgreementAccount) => {
    const { beneficiary, terms } = account;
    indexes.set(account, accounts.length);
    accounts.push({ id, beneficiary, terms });
  };
  for (const [id, account] of ledger.accounts) add(id, account);
  for (const { account } of ledger.vms.values()) {
    if (account !== null && !indexes.has(account)) add(null, account);
  }
  const head: Head = {
    opening: formVersion,
    lastMs: ledger.lastMs,
    homes: ledger.homes.known(),
    sites: [...ledger.sites],
    hosts: [...ledger.siteOfHost],
    everSeen: [...ledger.everSeen],
    accounts,
    vms: ledger.vms.size,
  };
  yield JSON.stringify(head);
  let some: SavedVm[] = [];
  for (const vm of ledger.vms.values()) {
    const account = vm.account === null ? null : (indexes.get(vm.account) ?? null);
    some.push({ ...vm, account });
    if (some.length < vmsAtOnce) continue;
    yield JSON.stringify(some);
    some = [];
  }
  if (some.length > 0) yield JSON.stringify(some);
}

/** @throws Error when it is not whole, or of another form. */
export function ledgerOf(opening: Iterable<string>): Ledger {
  let ledger: Ledger | null = null;
  let accounts: AgreementAccount[] = [];
  let expected = 0;
  for (const part of opening) {
    if (ledger === null) {
      const head = JSON.parse(part) as Head;
      if (head.opening !== formVersion)
        throw new Error('accounting cannot begin here: its form is not known');
      accounts = head.accounts.map(({ beneficiary, terms }) => ({ beneficiary, terms, vms: new Set() }));
      ledger = begun(head, accounts);
      expected = head.vms;
      continue;
    }
    for (const saved of JSON.parse(part) as SavedVm[]) {
      const account = saved.account === null ? null : (accounts[saved.account] ?? null);
      const vm: CountedVm = { ...saved, account };
      account?.vms.add(vm);
      ledger.vms.set(vm.uid, vm);
    }
  }
  if (ledger === null || ledger.vms.size !== expected) {
    throw new Error('accounting cannot begin here: a part of what it was to begin with is missing');
  }
  return ledger;
}

function begun(head: Head, accounts: readonly AgreementAccount[]): Ledger {
  const current = head.accounts.flatMap(({ id }, index): [string, AgreementAccount][] => {
    const account = accounts[index];
    return id === null || account === undefined ? [] : [[id, account]];
  });
  return {
    homes: new Homes(head.homes),
    accounts: new Map(current),
    sites: new Map(head.sites),
    siteOfHost: new Map(head.hosts),
    vms: new Map(),
    everSeen: new Set(head.everSeen),
    lastMs: head.lastMs,
  };
}
