/** Who owns what, and who may use how much of it and where, in the words of a scenario: what holds now. */
import type { Administration__Output } from '../../proto/gen/secovia/v1/Administration.js';
import type { Agreement__Output } from '../../proto/gen/secovia/v1/Agreement.js';
import type { DataClass__Output } from '../../proto/gen/secovia/v1/DataClass.js';
import type { Limits__Output } from '../../proto/gen/secovia/v1/Limits.js';
import type { Loan__Output } from '../../proto/gen/secovia/v1/Loan.js';
import type { Partner__Output } from '../../proto/gen/secovia/v1/Partner.js';
import type { Places__Output } from '../../proto/gen/secovia/v1/Places.js';
import type { Quota__Output } from '../../proto/gen/secovia/v1/Quota.js';
import type { ResidencyRule__Output } from '../../proto/gen/secovia/v1/ResidencyRule.js';
import type { Scope__Output } from '../../proto/gen/secovia/v1/Scope.js';
import type { Vm__Output } from '../../proto/gen/secovia/v1/Vm.js';
import { shortName } from '../values/names.js';
import { stateWord } from '../views/enums.js';
import { type Entry, unlike } from './entries.js';

export interface TenancyContents {
  partners: readonly Partner__Output[];
  quotas: readonly Quota__Output[];
  loans: readonly Loan__Output[];
  classes: readonly DataClass__Output[];
  rules: readonly ResidencyRule__Output[];
  agreements: readonly Agreement__Output[];
}

type Named = [name: string, entry: Entry];

export function administrationEntry(administration: Administration__Output): Named {
  const { name, parent, country, suspended, stoppedVms } = administration;
  const policy = stateWord(stoppedVms)
    .replace(/^STOPPED_VM_POLICY_/, '')
    .toLowerCase();
  const entry = {
    parent: parent === '' ? undefined : shortName(parent),
    country: country === '' ? undefined : country,
    suspended,
    stoppedVms: policy === 'unspecified' ? undefined : policy,
  };
  return [shortName(name), unlike({ suspended: false }, entry)];
}

export function partnerEntry({ name, country, administrations, open }: Partner__Output): Named {
  const own = administrations.map(shortName);
  return [
    shortName(name),
    unlike({ administrations: [], open: false }, { country, administrations: own, open }),
  ];
}

export function quotaEntry({ name, scope, limit }: Quota__Output): Entry {
  const [, administration] = name.split('/');
  return { administration, ...scopeEntry(scope), limit: limitsEntry(limit) };
}

/** Those that have ended move nothing any more. */
export function loanEntries(loans: readonly Loan__Output[]): Named[] {
  return loans
    .filter(({ state }) => state === 'LOAN_STATE_ACTIVE')
    .map(({ name, lender, borrower, scope, amount }) => [
      shortName(name),
      {
        lender: shortName(lender),
        borrower: shortName(borrower),
        ...scopeEntry(scope),
        amount: limitsEntry(amount),
      },
    ]);
}

export function classEntries(classes: readonly DataClass__Output[]): Named[] {
  return classes.filter(({ builtIn }) => !builtIn).map(({ name, level }) => [shortName(name), { level }]);
}

export function ruleEntries(rules: readonly ResidencyRule__Output[]): Named[] {
  return rules
    .filter(({ state }) => state === 'RULE_STATE_IN_FORCE')
    .map((rule) => [
      shortName(rule.name),
      unlike(
        { allowed: {}, forbidden: {}, priority: 0, legalBasis: '' },
        {
          class: shortName(rule.dataClass),
          administration: rule.administration === '' ? undefined : shortName(rule.administration),
          allowed: placesEntry(rule.allowed),
          forbidden: placesEntry(rule.forbidden),
          priority: rule.priority,
          legalBasis: rule.legalBasis,
        },
      ),
    ]);
}

/** Of those that have ended, only the ones that still have VMs. */
export function agreementEntries(
  agreements: readonly Agreement__Output[],
  vms: readonly Vm__Output[],
): Named[] {
  const used = new Set(vms.map(({ agreement }) => agreement));
  return agreements
    .filter(({ name, state }) => {
      if (state === 'AGREEMENT_STATE_ENDED') return used.has(name);
      return state === 'AGREEMENT_STATE_IN_FORCE' || state === 'AGREEMENT_STATE_NOTICE';
    })
    .map((agreement) => [shortName(agreement.name), agreementEntry(agreement)]);
}

function agreementEntry(agreement: Agreement__Output): Entry {
  const { partner, beneficiaryPartner, beneficiaryAdministration = '', limit, limitPercent } = agreement;
  const { reserve, price, noticeDays, state } = agreement;
  return unlike(
    { limit: {}, percent: 0, reserve: {}, vcpuPrice: 0, notice: 0, state: 'in_force' },
    {
      partner: shortName(partner),
      beneficiary:
        beneficiaryPartner === undefined
          ? { administration: shortName(beneficiaryAdministration) }
          : { partner: shortName(beneficiaryPartner) },
      limit: limitsEntry(limit),
      percent: limitPercent,
      reserve: limitsEntry(reserve),
      vcpuPrice: price?.vcpuMicros ?? 0,
      notice: noticeDays,
      state: state.replace('AGREEMENT_STATE_', '').toLowerCase(),
    },
  );
}

function scopeEntry(scope: Scope__Output | null): Entry {
  if (scope?.country !== undefined) return { country: scope.country };
  return scope?.site === undefined ? {} : { site: shortName(scope.site) };
}

function limitsEntry(limits: Limits__Output | null): Entry {
  const { vcpus, memoryMib: memory, diskMib: disk, vms, extras = {} } = limits ?? {};
  return unlike({ extras: {} }, { vcpus, memory, disk, vms, extras });
}

function placesEntry(places: Places__Output | null): Entry {
  const { countries = [], jurisdictions = [] } = places ?? {};
  return unlike({ countries: [], jurisdictions: [] }, { countries, jurisdictions });
}
