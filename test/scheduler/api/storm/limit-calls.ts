/** Random calls about limits, laws, agreements, and the tree that they hold for. */
import type { Limits } from '../../../../proto/gen/secovia/v1/Limits.js';
import type { Places } from '../../../../proto/gen/secovia/v1/Places.js';
import type { Means } from './draws.js';
import { administrations, parents, partners, price, scopes, sites } from './land.js';

export class LimitCalls {
  readonly #means: Means;

  constructor(means: Means) {
    this.#means = means;
  }

  #limit(): Limits {
    const { random } = this.#means;
    const vcpus = random.pick([15, 60, 180, 300, 400, 500]);
    return random.pick<Limits>([
      { vcpus },
      { vcpus, memoryMib: vcpus * 1500 },
      { vcpus, vms: vcpus },
      { vms: Math.ceil(vcpus / 3), diskMib: vcpus * 6000 },
    ]);
  }

  setQuota() {
    const { client, draws, random } = this.#means;
    const scope = random.pick(scopes);
    const request = { parent: draws.administration(), scope, limit: this.#limit(), requestId: draws.id() };
    return client.ask('SetQuota', request);
  }

  deleteQuota() {
    const { client, draws, random } = this.#means;
    const scope = random.pick(['everywhere', 'country-hr', 'country-si', 'site-zagreb', 'site-graz']);
    const name = `${draws.administration()}/quotas/${scope}`;
    return client.ask('DeleteQuota', { name, requestId: draws.id() });
  }

  async lend(): Promise<void> {
    const { client, draws, books, random } = this.#means;
    const loanId = `loan-${books.draw()}`;
    // Some end before the storm does.
    const seconds = random.next() < 0.4 ? Math.ceil(Date.now() / 1000) + 1 + random.below(20) : 4_000_000_000;
    const loan = {
      lender: draws.administration(),
      borrower: draws.administration(),
      scope: random.pick([{}, {}, {}, {}, random.pick(scopes)]),
      amount: random.pick<Limits>([{ vcpus: 4 + random.below(30) }, { vms: 1 + random.below(10) }]),
      expireTime: { seconds },
    };
    const response = await client.ask('CreateLoan', { loanId, loan, requestId: draws.id() });
    if (response?.loan) books.loans.push(loanId);
  }

  recallLoan() {
    const { client, draws, books } = this.#means;
    return client.ask('RecallLoan', {
      name: `loans/${draws.last(books.loans)}`,
      requestId: draws.id(),
    });
  }

  async agree(): Promise<void> {
    const { client, draws, books, random } = this.#means;
    const agreementId = `agreement-${books.draw()}`;
    const beneficiary =
      random.next() < 0.5
        ? { beneficiaryPartner: `partners/${random.pick(partners).id}` }
        : { beneficiaryAdministration: draws.administration() };
    const agreement = {
      partner: `partners/${random.pick(partners).id}`,
      ...beneficiary,
      limit: random.pick([this.#limit(), { vcpus: 20 + random.below(60) }]),
      limitPercent: random.pick([0, 0, 10, 40]),
      reserve: random.pick([{}, { vcpus: 60 + random.below(100) }, { memoryMib: 120_000 }]),
      price: { ...price, vcpuMicros: random.below(20_000) },
      noticeDays: random.pick([0, 30]),
    };
    const response = await client.ask('CreateAgreement', {
      agreementId,
      agreement,
      requestId: draws.id(),
    });
    if (response) books.agreements.push(agreementId);
  }

  #agreement(): string {
    const { draws, books } = this.#means;
    const known = ['carnet-arnes', 'arnes-coast', 'carnet-rs', ...books.agreements];
    return `agreements/${draws.last(known)}`;
  }

  updateAgreement() {
    const { client, draws, random } = this.#means;
    const limit = { vcpus: 10 + random.below(80), ...random.pick([{}, { vms: 40 }]) };
    const agreement = { name: this.#agreement(), limit, reserve: { vcpus: random.below(200) } };
    const paths = random.pick([['limit'], ['reserve'], ['limit', 'reserve']]);
    return client.ask('UpdateAgreement', { agreement, updateMask: { paths }, requestId: draws.id() });
  }

  endAgreement() {
    const { client, draws, random } = this.#means;
    const method = random.pick(['RecallAgreement', 'DeleteAgreement'] as const);
    return client.ask(method, { name: this.#agreement(), requestId: draws.id() });
  }

  updatePartner() {
    const { client, draws, random } = this.#means;
    const own = random.next() < 0.5 ? [] : [`administrations/${random.pick(parents)}`];
    const { id } = random.pick(partners);
    const partner = { name: `partners/${id}`, administrations: own, open: random.next() < 0.25 };
    const paths = random.pick([['administrations'], ['open']]);
    return client.ask('UpdatePartner', { partner, updateMask: { paths }, requestId: draws.id() });
  }

  #places(): Places {
    const { random } = this.#means;
    return random.pick<Places>([
      { countries: [random.pick(sites).country] },
      { countries: ['HR', 'SI'] },
      { jurisdictions: ['EU'] },
    ]);
  }

  async makeRule(): Promise<void> {
    const { client, draws, books, random } = this.#means;
    const residencyRuleId = `rule-${books.draw()}`;
    const residencyRule = {
      dataClass: random.pick(['dataClasses/internal', 'dataClasses/personal', 'dataClasses/personal']),
      administration: random.next() < 0.2 ? '' : draws.administration(),
      ...random.pick([
        { allowed: this.#places() },
        { allowed: this.#places() },
        { forbidden: this.#places() },
      ]),
      legalBasis: 'a law',
      priority: random.below(5),
      ...(random.next() < 0.5 ? { startInPlaceUntil: { seconds: 4_000_000_000 } } : {}),
    };
    const request = { residencyRuleId, residencyRule, requestId: draws.id() };
    if (await client.ask('CreateResidencyRule', request)) books.rules.push(residencyRuleId);
  }

  changeRule() {
    const { client, draws, books, random } = this.#means;
    const name = `residencyRules/${draws.last(books.rules)}`;
    const residencyRule = { name, allowed: this.#places(), priority: random.below(5) };
    const updateMask = { paths: ['allowed', 'priority'] };
    return client.ask('UpdateResidencyRule', { residencyRule, updateMask, requestId: draws.id() });
  }

  /** Of those that are left the oldest, so that there are never many. */
  endRule() {
    const { client, draws, books } = this.#means;
    const name = `residencyRules/${books.rules.shift() ?? 'none'}`;
    return client.ask('DeleteResidencyRule', { name, requestId: draws.id() });
  }

  moveAdministration() {
    const { client, draws, random } = this.#means;
    const name = `administrations/${random.pick(administrations.filter(([, , above]) => above !== ''))[0]}`;
    const parent = random.next() < 0.1 ? '' : `administrations/${random.pick(parents)}`;
    return client.ask('MoveAdministration', { name, parent, requestId: draws.id() });
  }

  /** Only at the leaves, and mostly not for long. */
  suspend() {
    const { client, draws, random } = this.#means;
    const name = `administrations/${random.pick(['pula', 'bled', 'subotica', 'kranj'])}`;
    const method = random.pick([
      'SuspendAdministration',
      'ResumeAdministration',
      'ResumeAdministration',
    ] as const);
    return client.ask(method, { name, requestId: draws.id() });
  }

  stoppedVms() {
    const { client, draws, random } = this.#means;
    const policies = [
      'STOPPED_VM_POLICY_UNSPECIFIED',
      'STOPPED_VM_POLICY_KEEP',
      'STOPPED_VM_POLICY_FREE',
    ] as const;
    const administration = { name: draws.administration(), stoppedVms: random.pick(policies) };
    const updateMask = { paths: ['stopped_vms'] };
    return client.ask('UpdateAdministration', { administration, updateMask, requestId: draws.id() });
  }
}
