/** One random call after another: mostly about VMs, and often enough about the limits and laws that they are under. */
import type { CreateVmRequest } from '../../../../proto/gen/secovia/v1/CreateVmRequest.js';
import type { Limits } from '../../../../proto/gen/secovia/v1/Limits.js';
import type { Places } from '../../../../proto/gen/secovia/v1/Places.js';
import type { Random } from '../../core/placement/random.js';
import type { Books } from './books.js';
import type { StormClient } from './client.js';
import { administrations, parents, partners, price, scopes, sites } from './land.js';

type Deed = (calls: Calls) => Promise<unknown>;

/** How often, compared with the others. */
const weights: [weight: number, deed: Deed][] = [
  [26, (calls) => calls.create()],
  [5, (calls) => calls.createMany()],
  [11, (calls) => calls.resize()],
  [8, (calls) => calls.start()],
  [10, (calls) => calls.stop()],
  [17, (calls) => calls.delete()],
  [4, (calls) => calls.classify()],
  [5, (calls) => calls.setQuota()],
  [0.7, (calls) => calls.deleteQuota()],
  [2.5, (calls) => calls.lend()],
  [1.7, (calls) => calls.recallLoan()],
  [1.2, (calls) => calls.agree()],
  [2, (calls) => calls.updateAgreement()],
  [0.8, (calls) => calls.endAgreement()],
  [0.4, (calls) => calls.updatePartner()],
  [0.8, (calls) => calls.makeRule()],
  [0.5, (calls) => calls.changeRule()],
  [0.7, (calls) => calls.endRule()],
  [1.5, (calls) => calls.moveAdministration()],
  [1, (calls) => calls.suspend()],
  [0.8, (calls) => calls.stoppedVms()],
];
const allWeights = weights.reduce((sum, [weight]) => sum + weight, 0);

export class Calls {
  constructor(
    private readonly client: StormClient,
    private readonly random: Random,
    private readonly books: Books,
  ) {}

  async next(): Promise<void> {
    let dice = this.random.next() * allWeights;
    const drawn = weights.find(([weight]) => {
      dice -= weight;
      return dice < 0;
    });
    await drawn?.[1](this);
  }

  #id(): string {
    const hex = () =>
      this.random
        .below(2 ** 16)
        .toString(16)
        .padStart(4, '0');
    return `${hex()}${hex()}-${hex()}-4${hex().slice(1)}-8${hex().slice(1)}-${hex()}${hex()}${hex()}`;
  }

  #administration(): string {
    return `administrations/${this.random.pick(administrations)[0]}`;
  }

  #vm(): string {
    return this.books.name(this.random.below(2 ** 30));
  }

  #newVm(): Pick<CreateVmRequest, 'vmId' | 'vm'> {
    const { random } = this;
    const spec = {
      vcpus: random.pick([1, 1, 2, 4, 8]),
      memoryMib: random.pick([512, 1024, 2048, 8192]),
      diskMib: random.pick([200, 1000, 20_000]),
      image: 'images/tiny',
    };
    const some = random.next() < 0.25 ? [`sites/${random.pick(sites).id}`] : [];
    const dataClass = random.pick([
      '',
      '',
      '',
      'dataClasses/public',
      'dataClasses/personal',
      'dataClasses/special',
    ]);
    return {
      vmId: random.next() < 0.02 ? 'again' : `vm-${this.books.draw()}`,
      vm: {
        spec,
        dataClass,
        placement: { sites: some },
        desiredPowerState: random.next() < 0.15 ? 'POWER_STATE_STOPPED' : 'POWER_STATE_RUNNING',
      },
    };
  }

  async create(): Promise<void> {
    const request = { parent: this.#administration(), ...this.#newVm(), requestId: this.#id() };
    const response = await this.client.ask('CreateVm', request);
    if (response?.vm) this.books.made(response.vm.uid, response.vm.name);
  }

  async createMany(): Promise<void> {
    const requests = Array.from({ length: 2 + this.random.below(6) }, () => this.#newVm());
    const mode = this.random.pick(['BATCH_MODE_ALL_OR_NOTHING', 'BATCH_MODE_BEST_EFFORT'] as const);
    const request = { parent: this.#administration(), requests, mode, requestId: this.#id() };
    const response = await this.client.ask('BatchCreateVms', request);
    for (const { uid, name } of response?.vms ?? []) this.books.made(uid, name);
    if (response && response.refused.length > 0 && response.vms.length > 0)
      this.books.note('batch made in part');
  }

  resize() {
    const { random } = this;
    const vcpus = random.pick([1, 2, 4, 8]);
    const memoryMib = random.pick([0, 512, 1024, 4096, 8192]);
    const diskMib = random.pick([0, 0, 0, 1000, 20_000, 30_000]);
    return this.client.ask('ResizeVm', {
      name: this.#vm(),
      vcpus,
      memoryMib,
      diskMib,
      requestId: this.#id(),
    });
  }

  start() {
    return this.client.ask('StartVm', { name: this.#vm(), requestId: this.#id() });
  }

  stop() {
    const mode = this.random.pick(['STOP_MODE_GRACEFUL', 'STOP_MODE_FORCE'] as const);
    return this.client.ask('StopVm', { name: this.#vm(), mode, requestId: this.#id() });
  }

  async delete(): Promise<void> {
    const response = await this.client.ask('DeleteVm', { name: this.#vm(), requestId: this.#id() });
    if (response?.vm) this.books.deleted(response.vm.uid);
  }

  classify() {
    const dataClass = this.random.pick([
      'dataClasses/internal',
      'dataClasses/personal',
      'dataClasses/special',
    ]);
    const vm = { name: this.#vm(), dataClass };
    return this.client.ask('UpdateVm', { vm, updateMask: { paths: ['data_class'] }, requestId: this.#id() });
  }

  #limit(): Limits {
    const { random } = this;
    const vcpus = random.pick([20, 60, 120, 250, 400]);
    return random.pick<Limits>([
      { vcpus },
      { vcpus, memoryMib: vcpus * 1500 },
      { vcpus, vms: vcpus },
      { vms: Math.ceil(vcpus / 3), diskMib: vcpus * 6000 },
    ]);
  }

  setQuota() {
    const scope = this.random.pick(scopes);
    const request = { parent: this.#administration(), scope, limit: this.#limit(), requestId: this.#id() };
    return this.client.ask('SetQuota', request);
  }

  deleteQuota() {
    const scope = this.random.pick(['everywhere', 'country-hr', 'country-si', 'site-zagreb', 'site-graz']);
    const name = `${this.#administration()}/quotas/${scope}`;
    return this.client.ask('DeleteQuota', { name, requestId: this.#id() });
  }

  async lend(): Promise<void> {
    const { random } = this;
    const loanId = `loan-${this.books.draw()}`;
    // Some end before the storm does.
    const seconds = random.next() < 0.4 ? Math.ceil(Date.now() / 1000) + 1 + random.below(20) : 4_000_000_000;
    const loan = {
      lender: this.#administration(),
      borrower: this.#administration(),
      scope: random.pick([{}, {}, {}, {}, random.pick(scopes)]),
      amount: random.pick<Limits>([{ vcpus: 4 + random.below(30) }, { vms: 1 + random.below(10) }]),
      expireTime: { seconds },
    };
    const response = await this.client.ask('CreateLoan', { loanId, loan, requestId: this.#id() });
    if (response?.loan) this.books.loans.push(loanId);
  }

  #last(ids: readonly string[]): string {
    const recent = ids.slice(-12);
    return recent.length === 0 ? 'none' : this.random.pick(recent);
  }

  recallLoan() {
    return this.client.ask('RecallLoan', {
      name: `loans/${this.#last(this.books.loans)}`,
      requestId: this.#id(),
    });
  }

  async agree(): Promise<void> {
    const { random } = this;
    const agreementId = `agreement-${this.books.draw()}`;
    const beneficiary =
      random.next() < 0.5
        ? { beneficiaryPartner: `partners/${random.pick(partners).id}` }
        : { beneficiaryAdministration: this.#administration() };
    const agreement = {
      partner: `partners/${random.pick(partners).id}`,
      ...beneficiary,
      limit: random.pick([this.#limit(), { vcpus: 20 + random.below(60) }]),
      limitPercent: random.pick([0, 0, 10, 40]),
      reserve: random.pick([{}, { vcpus: 60 + random.below(100) }, { memoryMib: 120_000 }]),
      price: { ...price, vcpuMicros: random.below(20_000) },
      noticeDays: random.pick([0, 30]),
    };
    const response = await this.client.ask('CreateAgreement', {
      agreementId,
      agreement,
      requestId: this.#id(),
    });
    if (response) this.books.agreements.push(agreementId);
  }

  #agreement(): string {
    const known = ['carnet-arnes', 'arnes-coast', 'carnet-rs', ...this.books.agreements];
    return `agreements/${this.#last(known)}`;
  }

  updateAgreement() {
    const { random } = this;
    const limit = { vcpus: 10 + random.below(80), ...random.pick([{}, { vms: 40 }]) };
    const agreement = { name: this.#agreement(), limit, reserve: { vcpus: random.below(200) } };
    const paths = random.pick([['limit'], ['reserve'], ['limit', 'reserve']]);
    return this.client.ask('UpdateAgreement', { agreement, updateMask: { paths }, requestId: this.#id() });
  }

  endAgreement() {
    const method = this.random.pick(['RecallAgreement', 'DeleteAgreement'] as const);
    return this.client.ask(method, { name: this.#agreement(), requestId: this.#id() });
  }

  updatePartner() {
    const { random } = this;
    const own = random.next() < 0.5 ? [] : [`administrations/${random.pick(parents)}`];
    const { id } = random.pick(partners);
    const partner = { name: `partners/${id}`, administrations: own, open: random.next() < 0.25 };
    const paths = random.pick([['administrations'], ['open']]);
    return this.client.ask('UpdatePartner', { partner, updateMask: { paths }, requestId: this.#id() });
  }

  #places(): Places {
    return this.random.pick<Places>([
      { countries: [this.random.pick(sites).country] },
      { countries: ['HR', 'SI'] },
      { jurisdictions: ['EU'] },
    ]);
  }

  async makeRule(): Promise<void> {
    const { random } = this;
    const residencyRuleId = `rule-${this.books.draw()}`;
    const residencyRule = {
      dataClass: random.pick(['dataClasses/internal', 'dataClasses/personal', 'dataClasses/personal']),
      administration: random.next() < 0.2 ? '' : this.#administration(),
      ...random.pick([
        { allowed: this.#places() },
        { allowed: this.#places() },
        { forbidden: this.#places() },
      ]),
      legalBasis: 'a law',
      priority: random.below(5),
      ...(random.next() < 0.5 ? { startInPlaceUntil: { seconds: 4_000_000_000 } } : {}),
    };
    const request = { residencyRuleId, residencyRule, requestId: this.#id() };
    if (await this.client.ask('CreateResidencyRule', request)) this.books.rules.push(residencyRuleId);
  }

  changeRule() {
    const name = `residencyRules/${this.#last(this.books.rules)}`;
    const residencyRule = { name, allowed: this.#places(), priority: this.random.below(5) };
    const updateMask = { paths: ['allowed', 'priority'] };
    return this.client.ask('UpdateResidencyRule', { residencyRule, updateMask, requestId: this.#id() });
  }

  /** Of those that are left the oldest, so that there are never many. */
  endRule() {
    const name = `residencyRules/${this.books.rules.shift() ?? 'none'}`;
    return this.client.ask('DeleteResidencyRule', { name, requestId: this.#id() });
  }

  moveAdministration() {
    const name = this.#administration();
    const parent = `administrations/${this.random.pick(parents)}`;
    return this.client.ask('MoveAdministration', { name, parent, requestId: this.#id() });
  }

  /** Only below, and mostly not for long. */
  suspend() {
    const name = `administrations/${this.random.pick(['pula', 'bled', 'subotica', 'rs-north'])}`;
    const method = this.random.pick([
      'SuspendAdministration',
      'ResumeAdministration',
      'ResumeAdministration',
    ] as const);
    return this.client.ask(method, { name, requestId: this.#id() });
  }

  stoppedVms() {
    const policies = [
      'STOPPED_VM_POLICY_UNSPECIFIED',
      'STOPPED_VM_POLICY_KEEP',
      'STOPPED_VM_POLICY_FREE',
    ] as const;
    const administration = { name: this.#administration(), stoppedVms: this.random.pick(policies) };
    const updateMask = { paths: ['stopped_vms'] };
    return this.client.ask('UpdateAdministration', { administration, updateMask, requestId: this.#id() });
  }
}
