/**
 * Why hosts can or cannot take a request. Every host is asked every rule, so that it is known which rule excludes it
 * first, in a fixed order, and which hosts only one rule keeps from taking it.
 */
import type { Host } from '../model.js';
import type { State } from '../state.js';
import { type ClosingCode, closing, type Exceeded, exceededEverywhere } from '../tenancy/limits.js';
import type { ProfileMask } from './rank-rows/rank-rows.js';
import { excludesHost, type Verdict, verdictsOn } from './relations.js';
import type { PlacementRequest } from './request.js';
import type { RelationCode } from './rules/relation.js';
import { type RuleCode, rules } from './rules/index.js';
import { type Amount, amountsOf, type ResourceCode, resourceCodes } from './amounts.js';

export type ExclusionCode = RuleCode | RelationCode | 'ROOM_KEPT_FREE' | ClosingCode | ResourceCode;

/** Every reason that there is, in the order in which the first one of a host is named. */
export const exclusionCodes: readonly ExclusionCode[] = [
  ...rules.map(({ code }) => code),
  'AWAY_FROM_GROUP',
  'TOO_CLOSE_TO_GROUP',
  'UNEVEN_SPREAD',
  'ROOM_KEPT_FREE',
  'QUOTA_EXCEEDED',
  'AGREEMENT_EXHAUSTED',
  'RESERVE_KEPT',
  ...resourceCodes,
];

const bitOf = (code: ExclusionCode): number => 1 << exclusionCodes.indexOf(code);
const notConnected = bitOf('HOST_NOT_CONNECTED');
const quotaExceeded = bitOf('QUOTA_EXCEEDED');
const profileRules = rules
  .filter((rule) => rule.reads === 'profile')
  .map((rule) => ({ rule, bit: bitOf(rule.code) }));
const hostRules = rules
  .filter((rule) => rule.reads !== 'profile')
  .map((rule) => ({ rule, bit: bitOf(rule.code) }));

export interface ExcludedHosts {
  /** Hosts for which this is the first reason; over all reasons they add up. */
  hosts: number;
  /** Hosts for which it is the only one. */
  sole: number;
}

/** How close hosts come that lack one resource and nothing else. */
export interface Miss {
  hosts: number;
  /** What the nearest lacks. */
  missing: number;
}

export interface Explanation {
  /** All but retired ones. */
  hosts: number;
  eligible: number;
  excluded: Map<ExclusionCode, ExcludedHosts>;
  misses: Map<ResourceCode, Miss>;
  /** Of the hosts that are excluded for want of an extra first, how many have too few of each. */
  lackedExtras: Map<string, number>;
  /** As `misses`, of hosts that have too few of one extra and lack nothing else. */
  extraMisses: Map<string, Miss>;
  /** The limits that close all sites or some: the administration's own first, then those above it, then agreements'. */
  exceeded: Exceeded[];
  /** Some host is only not connected now: asking again may help. */
  temporary: boolean;
}

export function explain(state: State, request: PlacementRequest): Explanation {
  const { hosts, count } = state.hostTable;
  const mask = state.offers.profiles.mask(state, request);
  const asked = new Questions(state, request, mask);
  const explanation: Explanation = {
    hosts: 0,
    eligible: 0,
    excluded: new Map(),
    misses: new Map(),
    lackedExtras: new Map(),
    extraMisses: new Map(),
    exceeded: exceededBy(state, request),
    temporary: false,
  };
  for (let row = 0; row < count; row += 1) {
    const host = hosts[row] as Host;
    if (host.state === 'retired') continue;
    explanation.hosts += 1;
    const reasons = asked.reasons(row, host);
    if (reasons === 0) explanation.eligible += 1;
    else note(explanation, reasons, asked, row);
    // A quarantined host comes back by a human's word only.
    if (reasons === notConnected && host.state !== 'quarantined') explanation.temporary = true;
  }
  return explanation;
}

function exceededBy({ tenancy }: State, request: PlacementRequest): Exceeded[] {
  const everywhere = exceededEverywhere(tenancy, request);
  const exceeded = everywhere === null ? [] : [everywhere];
  closing(tenancy, request, (one) => exceeded.push(one));
  return exceeded;
}

/** Every reason against the host of a row, in their order. */
export function reasonsAgainst(state: State, request: PlacementRequest): (row: number) => ExclusionCode[] {
  const asked = new Questions(state, request, state.offers.profiles.mask(state, request));
  return (row) => {
    const reasons = asked.reasons(row, state.hostTable.hosts[row] as Host);
    return exclusionCodes.filter((_, bit) => (reasons & (1 << bit)) !== 0);
  };
}

function note(explanation: Explanation, reasons: number, asked: Questions, row: number): void {
  const { excluded, misses, lackedExtras, extraMisses } = explanation;
  const first = exclusionCodes[31 - Math.clz32(reasons & -reasons)] as ExclusionCode;
  const isSole = (reasons & (reasons - 1)) === 0;
  const counted = excluded.get(first) ?? { hosts: 0, sole: 0 };
  counted.hosts += 1;
  if (isSole) counted.sole += 1;
  excluded.set(first, counted);
  if (!isSole && first !== 'LACKS_EXTRA') return;
  const lacked = asked.lacked(row, first);
  for (const { extra } of lacked) {
    if (extra !== undefined) lackedExtras.set(extra, (lackedExtras.get(extra) ?? 0) + 1);
  }
  const [only, another] = lacked;
  if (!isSole || only === undefined || another !== undefined) return;
  const missing = only.missing(row);
  if (only.extra === undefined) addMiss(misses, only.code, missing);
  else addMiss(extraMisses, only.extra, missing);
}

function addMiss<K>(misses: Map<K, Miss>, key: K, missing: number): void {
  const before = misses.get(key);
  misses.set(key, {
    hosts: (before?.hosts ?? 0) + 1,
    missing: Math.min(before?.missing ?? missing, missing),
  });
}

/** The rules, asked of one host after another; what hosts of a profile have in common is asked once. */
class Questions {
  readonly #state: State;
  readonly #request: PlacementRequest;
  readonly #verdicts: [Verdict, bit: number][];
  readonly #amounts: [Amount, bit: number][];
  readonly #ofProfile: (number | undefined)[] = [];
  /** The reasons that hold against all hosts. */
  readonly #ofAll: number;

  constructor(state: State, request: PlacementRequest, mask: ProfileMask) {
    this.#state = state;
    this.#request = request;
    this.#ofAll = exceededEverywhere(state.tenancy, request) === null ? 0 : quotaExceeded;
    this.#verdicts = verdictsOn(state, request, mask)
      .filter(({ soft }) => !soft)
      .map((verdict) => [verdict, bitOf(verdict.code)]);
    this.#amounts = amountsOf(state, request).map((amount) => [amount, bitOf(amount.code)]);
  }

  /** A bit for each reason against this host. */
  reasons(row: number, host: Host): number {
    let reasons = this.#ofAll | this.#reasonsOfProfile(row) | this.#lacks(row);
    for (const { rule, bit } of hostRules) {
      if (rule.excludes(this.#state, host, this.#request)) reasons |= bit;
    }
    for (const [verdict, bit] of this.#verdicts) if (excludesHost(this.#state, verdict, row)) reasons |= bit;
    return reasons;
  }

  /** What the host lacks of the amounts that this reason is about. */
  lacked(row: number, code: ExclusionCode): Amount[] {
    return this.#amounts
      .map(([amount]) => amount)
      .filter((amount) => amount.code === code && amount.missing(row) > 0);
  }

  #lacks(row: number): number {
    let lacks = 0;
    for (const [amount, bit] of this.#amounts) if (amount.missing(row) > 0) lacks |= bit;
    return lacks;
  }

  #reasonsOfProfile(row: number): number {
    const number = this.#state.offers.profileNumber(row);
    const known = this.#ofProfile[number];
    if (known !== undefined) return known;
    const profile = this.#state.offers.profiles.get(number);
    let reasons = 0;
    for (const { rule, bit } of profileRules) {
      if (rule.excludes(this.#state, profile, this.#request)) reasons |= bit;
    }
    this.#ofProfile[number] = reasons;
    return reasons;
  }
}
