/**
 * Follows a journal from its first line, decision by decision, and lets nothing pass that tenancy forbids: no limit is
 * exceeded but by lowering it, sums are what the VMs hold, and VMs are placed where they may be. It looks only at what
 * a change could have altered, so that a million decisions can be followed; everything is added up again now and then.
 */
import { apply } from '../../../scheduler/core/apply.js';
import type { JournalLine } from '../../../scheduler/core/audit/line.js';
import type { Change } from '../../../scheduler/core/changes.js';
import type { MoveMode, Vm } from '../../../scheduler/core/model.js';
import { State } from '../../../scheduler/core/state.js';
import type { Holdings } from '../../../scheduler/core/tenancy/holdings.js';
import type { Agreement, Loan, Quota } from '../../../scheduler/core/tenancy/model.js';
import { defaultClass } from '../../../scheduler/core/tenancy/residency.js';
import { covers, countryKey, siteKey } from '../../../scheduler/core/tenancy/scope.js';
import { verifyTenancy } from '../../../scheduler/core/tenancy/verify.js';
import {
  type Amounts,
  amountsOf,
  ClaimsLedger,
  type Counted,
  flat,
  growthOf,
  isAlike,
  isSame,
  keyOf,
} from './claims-ledger.js';
import { noteNumbers } from './journal.js';
import { PlainTenancy } from './placement/plain-tenancy.js';
import { checkPlace, plainTenancyOf } from './tenancy-laws.js';

type VmChange = Extract<Change, { type: `vm.${string}` }>;

/** Of a VM, before a change. */
interface Whereabouts {
  owner: string | null;
  /** The host that it was promised to, and how it is to get there. */
  peer: string | undefined;
  mode: MoveMode | undefined;
  dataClass: string | undefined;
}

/** So many decisions lie between two that are followed by adding everything up. */
const verifiedEvery = 5000;
const nobody = { administration: '', dataClass: 'internal', holds: {}, counted: null } as const;

export class TenancyWitness {
  readonly state = new State();
  /** How often what was seen. */
  readonly outcomes = new Map<string, number>();
  readonly #ledger = new ClaimsLedger(this.state);
  readonly #counted = new Map<string, Counted>();
  /** VMs that a host knew more of than the journal, and that have neither another host nor another size since. */
  readonly #adopted = new Set<string>();
  /** Limits with loans, by the key of their quota; forgotten when any of them may have changed. */
  readonly #limits = new Map<string, Amounts>();
  /** By id. In a long storm those that have ended are thousands. */
  readonly #activeLoans = new Map<string, Loan>();

  /** Follows one decision, a line of the journal, and gives its changes. */
  follow(line: string): Change[] {
    return this.followLine(JSON.parse(line) as JournalLine);
  }

  followLine([atMs, changes, , audience = {}]: JournalLine): Change[] {
    const found = changes.some(({ type }) => type === 'vm.observed');
    for (const change of changes) {
      if (isOfVm(change)) this.#followVm(change, atMs, found);
      else if (isOfLimits(change)) this.#followLimits(change, atMs);
      else apply(this.state, change, atMs);
    }
    noteNumbers(this.state, audience);
    this.state.sequence += 1;
    this.state.lastMs = atMs;
    this.state.takeTouched();
    if (this.state.sequence % verifiedEvery === 0) this.verify();
    return changes;
  }

  /** Adds everything up again. */
  verify(): void {
    const { differences } = verifyTenancy(this.state);
    if (differences.length > 0) this.#fail(`sums drift: ${JSON.stringify(differences)}`);
    for (const quota of this.state.tenancy.quotas.values()) this.#compare(quota);
  }

  #followVm(change: VmChange, atMs: number, found: boolean): void {
    const { state } = this;
    const uid = change.type === 'vm.created' ? change.vm.uid : change.uid;
    const known = state.vms.get(uid);
    const [was, owner, dataClass] = [this.#counted.get(uid), known?.host ?? null, known?.dataClass];
    const { peer, mode } = known?.move ?? { peer: undefined, mode: undefined };
    if (change.type === 'vm.removed' && known?.desired !== 'deleted')
      this.#fail(`VM ${known?.id} was taken away, and nobody had deleted it`);
    apply(state, change, atMs);
    const vm = state.vms.get(uid);
    const now = this.#ledger.countedOf(vm);
    if (was !== undefined) this.#ledger.count(was, -1);
    if (now !== undefined) this.#ledger.count(now, 1);
    if (now === undefined) this.#counted.delete(uid);
    else this.#counted.set(uid, now);
    if (change.type === 'vm.resized' && vm?.sizeBefore !== undefined) this.#note('held the larger size');
    if (vm !== undefined && now !== undefined) this.#checkPlace(change, vm, { owner, peer, mode, dataClass });
    if (was !== undefined && now !== undefined && isAlike(was, now)) return;
    for (const counted of [was, now]) if (counted !== undefined) this.#checkSums(counted);
    // What runs on a host has its room, whoever started it, and of whatever size by a word that the journal has lost.
    if (change.type === 'vm.adopted') this.#adopted.add(uid);
    else if (change.type === 'vm.resized' || change.type === 'vm.placed') this.#adopted.delete(uid);
    const isFound = this.#adopted.has(uid) || (change.type === 'vm.returned' && found);
    if (now !== undefined && !isFound) this.#checkGrowth(change, was, now);
  }

  #checkPlace(change: VmChange, vm: Vm, { owner, peer, mode, dataClass }: Whereabouts): void {
    const created = change.type === 'vm.created';
    if (created && this.#isSuspended(vm.administration)) this.#fail(`VM ${vm.id} is of one suspended`);
    // What is promised is judged then: the rules may have changed by the time when it arrives.
    const promised = vm.move?.peer;
    if (change.type === 'vm.move' && promised !== undefined && promised !== peer)
      checkPlace(this.state, { ...vm, host: promised });
    if (created || (change.type === 'vm.placed' && vm.host !== owner && vm.host !== peer)) {
      checkPlace(this.state, vm);
      this.#note(created ? 'placed' : owner === null ? 'placed again' : 'moved to another host');
      if (vm.agreement !== undefined) this.#note('placed under an agreement');
    } else if (change.type === 'vm.placed' && vm.host === peer && peer !== undefined) {
      this.#note(mode === 'live' ? 'handed over while it ran' : 'arrived on another host');
    } else if (
      change.type === 'vm.updated' &&
      (vm.dataClass ?? defaultClass) !== (dataClass ?? defaultClass)
    ) {
      const site = this.#ledger.countedOf(vm)?.site;
      if (site !== undefined && !plainTenancyOf(this.state, vm).lawful(site))
        this.#fail(`VM ${vm.id} got a class against the rules`);
    }
  }

  #isSuspended(id: string | null): boolean {
    const administration = id === null ? undefined : this.state.administrations.get(id);
    if (administration === undefined) return false;
    return administration.suspended === true || this.#isSuspended(administration.parent);
  }

  #checkSums({ administration, site, agreement }: Counted): void {
    for (const quota of this.#quotasOver(administration, site)) this.#compare(quota);
    const { tenancy } = this.state;
    if (agreement !== undefined && tenancy.agreements.has(agreement))
      this.#same(
        `agreement ${agreement}`,
        tenancy.agreementUse(agreement),
        this.#ledger.usedUnderAgreement(agreement),
      );
    const { heldByOthers } = tenancy.partnerUse(site.partner);
    this.#same(`partner ${site.partner}`, heldByOthers, this.#ledger.heldByOthers(site.partner));
  }

  #compare(quota: Quota): void {
    const { used } = this.state.tenancy.quotaUse(quota);
    this.#same(`quota ${keyOf(quota)}`, used, this.#ledger.usedUnder(quota));
  }

  #same(name: string, kept: Holdings, held: Holdings): void {
    if (!isSame(kept, held)) this.#fail(`the sum of ${name} drifts: ${JSON.stringify({ kept, held })}`);
  }

  #checkGrowth(change: VmChange, was: Counted | undefined, now: Counted): void {
    const more = (counted: boolean) =>
      growthOf(was !== undefined && counted ? was.held : undefined, now.held);
    for (const quota of this.#quotasOver(now.administration, now.site)) {
      const inside =
        was !== undefined &&
        covers(quota.scope, was.site) &&
        this.state.isWithin(was.administration, quota.administration);
      const used = flat(this.#ledger.usedUnder(quota));
      this.#within(`quota ${keyOf(quota)}`, change, this.#limitOf(quota), used, more(inside));
    }
    const agreement = this.state.tenancy.agreements.get(now.agreement ?? '');
    if (agreement === undefined) return;
    const own = more(was?.agreement === agreement.id);
    const ofOthers = more(was?.agreement !== undefined && was.site.partner === now.site.partner);
    this.#withinAgreement(agreement, change, own, ofOthers);
  }

  #withinAgreement(agreement: Agreement, change: VmChange, own: Amounts, ofOthers: Amounts): void {
    const { id, partner, limit, limitPercent, reserve } = agreement;
    const offered = new PlainTenancy(this.state, [], nobody as never).offered(partner);
    const used = flat(this.#ledger.usedUnderAgreement(id));
    this.#within(`agreement ${id}`, change, amountsOf(limit), used, own);
    if (limitPercent !== null) {
      const share = (name: string) => Math.floor(((offered[name] ?? 0) * limitPercent) / 100);
      const most = { vcpus: share('vcpus'), memoryMib: share('memoryMib'), diskMib: share('diskMib') };
      this.#within(`the share of agreement ${id}`, change, most, used, own);
    }
    const kept = Object.entries(amountsOf(reserve));
    const left = kept.map(([name, count]) => [name, Math.max(0, (offered[name] ?? 0) - count)]);
    const others = flat(this.#ledger.heldByOthers(partner));
    this.#within(`the reserve of ${partner}`, change, Object.fromEntries(left), others, ofOthers);
  }

  /** Nothing that has grown is above its limit. */
  #within(name: string, change: Change, limit: Amounts, used: Amounts, more: Amounts): void {
    for (const [resource, most] of Object.entries(limit)) {
      if ((more[resource] ?? 0) <= 0 || (used[resource] ?? 0) <= most) continue;
      const what = JSON.stringify({ limit, used, more, change });
      this.#fail(`${name} was exceeded in ${resource}: ${what}`);
    }
  }

  /** A change of the limits themselves, or of what they are about: only lowering one by hand may leave more above it. */
  #followLimits(change: Change, atMs: number): void {
    const before = this.#excesses();
    apply(this.state, change, atMs);
    this.#limits.clear();
    const lowered = change.type === 'quota.set' ? keyOf(change.quota) : '';
    if (change.type === 'loan.set' && change.loan.state === 'active')
      this.#activeLoans.set(change.loan.id, change.loan);
    const ended = change.type === 'loan.set' && change.loan.state !== 'active';
    if (ended) this.#activeLoans.delete(change.loan.id);
    if (ended) this.#note('loan ended');
    for (const [name, excess] of this.#excesses()) {
      const was = before.get(name);
      if (ended || was === undefined || excess <= 0 || excess <= was) continue;
      if (!name.startsWith(`${lowered} `) || lowered === '')
        this.#fail(
          `the limit ${name} was exceeded by ${excess} (before: ${was}) by ${JSON.stringify(change)}`,
        );
      this.#note('limit lowered below what is used');
    }
  }

  /** By how much what is used is above each limit, or below it when negative. */
  #excesses(): Map<string, number> {
    const excesses = new Map<string, number>();
    for (const [key, quota] of this.state.tenancy.quotas) {
      const used = flat(this.#ledger.usedUnder(quota));
      for (const [resource, most] of Object.entries(this.#limitOf(quota)))
        excesses.set(`${key} ${resource}`, (used[resource] ?? 0) - most);
    }
    return excesses;
  }

  #limitOf(quota: Quota): Amounts {
    const key = keyOf(quota);
    let limit = this.#limits.get(key);
    if (limit === undefined) {
      limit = new PlainTenancy(this.state, [], nobody as never).withLoans(quota, this.#activeLoans.values());
      this.#limits.set(key, limit);
    }
    return limit;
  }

  /** The quotas that a VM on a site counts in, by the parents that the records name. */
  *#quotasOver(administration: string, { id, country }: Counted['site']): Iterable<Quota> {
    const keys = ['everywhere', countryKey(country), siteKey(id)];
    for (let at: string | null = administration; at !== null; ) {
      for (const key of keys) {
        const quota = this.state.tenancy.quotas.get(`${at}/${key}`);
        if (quota !== undefined) yield quota;
      }
      at = this.state.administrations.get(at)?.parent ?? null;
    }
  }

  #note(outcome: string): void {
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
  }

  #fail(message: string): never {
    throw new Error(`decision ${this.state.sequence + 1}: ${message}`);
  }
}

function isOfVm(change: Change): change is VmChange {
  return change.type.startsWith('vm.');
}

function isOfLimits({ type }: Change): boolean {
  return /^(quota|loan|administration)\./.test(type);
}
