/**
 * A long random history of a small federation in which every rule is in play, and every answer of placement is
 * compared with the plain oracle's.
 */
import { isDeepStrictEqual } from 'node:util';
import { apply } from '../../../../scheduler/core/apply.js';
import type { Change } from '../../../../scheduler/core/changes.js';
import type { NewVm } from '../../../../scheduler/core/commands.js';
import { decide } from '../../../../scheduler/core/decide.js';
import type {
  Extras,
  GroupPolicy,
  GroupRule,
  GroupScope,
  HostCapacity,
  NumaCell,
  PagePool,
  Priority,
  Vm,
  VmPlacement,
  VmSpec,
} from '../../../../scheduler/core/model.js';
import { findDisplacement } from '../../../../scheduler/core/placement/displacement.js';
import { place } from '../../../../scheduler/core/placement/placement.js';
import { sparesGpus } from '../../../../scheduler/core/placement/search.js';
import {
  type PlacementRequest,
  requestForMove,
  requestForNew,
} from '../../../../scheduler/core/placement/request.js';
import type { State } from '../../../../scheduler/core/state.js';
import type { Beneficiary, Limits, Scope } from '../../../../scheduler/core/tenancy/model.js';
import { World } from '../world.js';
import { expected, expectedDisplacement } from './plain-oracle.js';
import { Random } from './random.js';

const siteIds = ['s0', 's1', 's2'];
const partners = ['p0', 'p1', 'p2'];
const administrations = ['state', 'region', 'town', 'other'];
const traits = ['ssd', 'quiet', 'gold'];
const hostCount = 24;

export class FederationHistory {
  readonly #random: Random;
  readonly #world = new World();
  readonly #hosts: string[] = [];
  #named = 0;
  decisions = 0;
  readonly outcomes = new Map<string, number>();

  constructor(seed: number) {
    this.#random = new Random(seed);
    const world = this.#world;
    world.site('s0', 'HR', 'p0');
    world.site('s1', 'SI', 'p1');
    world.site('s2', 'HR', 'p2');
    for (const id of partners) world.run({ type: 'partner.update', id, open: true, etag: '' });
    world.administration('state');
    world.administration('region', 'state');
    world.administration('town', 'region');
    world.administration('other', null, 'SI');
    world.image('tiny');
    for (let number = 0; number < hostCount; number += 1) this.#join();
    const mounting = this.#hosts.filter((id) => world.state.hosts.get(id)?.site === 's0');
    if (mounting.length > 0) {
      const shared = { id: 'nfs', site: 's0', path: '/p', hosts: mounting.slice(0, 5), capacityMib: 10 ** 8 };
      world.run({ type: 'pool.create', ...shared });
    }
  }

  get state(): State {
    return this.#world.state;
  }

  /** A VM to be, which may ask for anything. */
  request(): PlacementRequest {
    const [administration, spec, placement] = [this.#administration(), this.#spec(), this.#placement()];
    return requestForNew(administration, spec, 'x86_64', placement, 0, this.#dataClass());
  }

  step(): void {
    // What a store and a journal would have taken away.
    this.#world.state.takeTouched();
    this.#world.journal.length = 0;
    this.#world.nowMs += this.#random.below(100_000);
    const dice = this.#random.next();
    if (dice < 0.005) this.#createMany();
    else if (dice < 0.5) this.#create();
    else if (dice < 0.74) this.#leave();
    else if (dice < 0.88) this.#move();
    else if (dice < 0.96) this.#disturb();
    else this.#govern();
  }

  #join(): void {
    const random = this.#random;
    const id = `${random.pick(['a', 'm', 'z'])}${this.#hosts.length}`;
    const rack = random.pick(['', 'r1', 'r2', 'r2']);
    this.#world.run({
      type: 'host.join',
      id,
      site: random.pick(siteIds),
      rack,
      machineId: `machine-of-${id}`,
    });
    this.#hosts.push(id);
    this.#hello(id);
  }

  #hello(id: string): void {
    const random = this.#random;
    const memoryMib = 1024 * random.pick([4, 7, 8, 11]);
    const capacity: HostCapacity = {
      vcpus: random.pick([2, 8, 16]),
      memoryMib,
      diskMib: random.pick([4000, 20_000]),
      vms: 6,
    };
    if (random.next() < 0.4) capacity.extras = this.#extras(6);
    if (random.next() < 0.7) capacity.cells = this.#cells(capacity);
    const architecture = random.pick(['x86_64', 'x86_64', 'x86_64', 'x86_64', 'aarch64']);
    const inventory = { architecture, cpuFeatures: random.pick([[], ['avx2'], ['avx2', 'aes']]) };
    this.#world.hello(id, { capacity, inventory });
  }

  /** One or two kinds, up to so many of each. */
  #extras(most: number): Extras {
    const random = this.#random;
    const names = random.pick([['gpu:a'], ['gpu:b', 'vf'], ['gpu:a', 'vf'], ['vf'], ['vf']]);
    return Object.fromEntries(names.map((name) => [name, 1 + random.below(most)]));
  }

  /** Equal or not, and all together a little more than the host as a whole gives away, or a little less. */
  #cells({ vcpus, memoryMib }: HostCapacity): NumaCell[] {
    const random = this.#random;
    const count = random.pick([1, 2, 2, 4]);
    return Array.from({ length: count }, (_, index) => ({
      id: random.next() < 0.9 ? index : index + 10,
      cpus: Math.max(1, Math.floor(vcpus / count) + random.pick([-1, 0, 0, 0, 1])),
      memoryMib: Math.floor(memoryMib / count) + random.pick([-700, 0, 0, 0, 500]),
      hugepages: random.pick<PagePool[]>([
        [],
        [],
        [{ sizeKib: 2048, count: 1024 }],
        [
          { sizeKib: 2048, count: 700 },
          { sizeKib: 1_048_576, count: 3 },
        ],
      ]),
    }));
  }

  /** Of sizes that can have it. */
  #layOut(spec: VmSpec): void {
    const random = this.#random;
    if (random.next() < 0.7) return;
    const cells = random.pick([0, 1, 1, 2, 4]);
    if (cells > 0) spec.numa = { cells, dedicatedCpus: random.next() < 0.5 };
    if (random.next() < 0.5) {
      spec.hugepageKib = random.pick([2048, 2048, 1_048_576]);
      spec.memoryMib = random.pick([1024, 2048, 4096]);
      if (spec.hugepageKib > 2048) spec.memoryMib *= Math.max(1, cells);
    }
    spec.vcpus = Math.max(1, cells) * random.pick([1, 1, 2]);
  }

  #some<T>(values: readonly T[], chance = 0.15): T[] {
    return this.#random.next() < chance ? values.filter(() => this.#random.next() < 0.5) : [];
  }

  #placement(): VmPlacement {
    const random = this.#random;
    const placement: VmPlacement = {
      sites: this.#some(siteIds),
      countries: this.#some(['HR', 'SI'], 0.1),
      excludedHosts: this.#some(this.#hosts, 0.1),
    };
    const jurisdictions = this.#some(['EU', 'X'], 0.05);
    if (jurisdictions.length > 0) placement.jurisdictions = jurisdictions;
    const [required, forbidden, preferred] = [0.1, 0.1, 0.15].map((chance) =>
      this.#some([...traits, 'cpu:avx2'], chance),
    );
    if (required?.length) placement.requiredTraits = required;
    if (forbidden?.length) placement.forbiddenTraits = forbidden;
    if (preferred?.length) placement.preferredTraits = preferred;
    const sites = this.#some(siteIds, 0.15);
    if (sites.length > 0) placement.preferredSites = random.next() < 0.5 ? sites : sites.reverse();
    if (sites.length > 0 && random.next() < 0.7) placement.preferredSitesInOrder = true;
    if (random.next() < 0.1) placement.preferCheap = true;
    if (random.next() < 0.6) {
      placement.groups = [this.#group()];
      if (random.next() < 0.2) placement.groups.push(this.#group('second-'));
    }
    return placement;
  }

  /** What a group asks for is in its name, so that all its VMs say the same. */
  #group(prefix = ''): GroupRule {
    const random = this.#random;
    const policy = random.pick<GroupPolicy>(['affinity', 'anti_affinity', 'spread']);
    const scope = random.pick<GroupScope>(policy === 'spread' ? ['rack', 'site'] : ['host', 'rack', 'site']);
    const soft = random.next() < 0.3;
    const maxSkew = policy === 'spread' ? random.pick([1, 2]) : 0;
    const group = `${prefix}${policy.replace('_', '-')}-${scope}-${soft}-${maxSkew}`;
    return { group, policy, scope, soft, maxSkew };
  }

  #spec(): VmSpec {
    const random = this.#random;
    const spec: VmSpec = {
      vcpus: random.pick([1, 1, 2, 4]),
      memoryMib: random.pick([512, 1024, 1024, 3000]),
      diskMib: random.pick([100, 1000, 3000]),
      imageUid: this.#world.state.images.get('tiny')?.uid ?? '',
      pool: random.next() < 0.1 && this.#world.state.pools.has('nfs') ? 'nfs' : '',
    };
    if (random.next() < 0.2) spec.extras = this.#extras(3);
    this.#layOut(spec);
    return spec;
  }

  #dataClass(): string {
    return this.#random.pick(['internal', 'internal', 'internal', 'public', 'personal']);
  }

  #newVm({ imageUid: _image, ...shape }: VmSpec, placement: VmPlacement, dataClass: string): NewVm {
    this.#named += 1;
    const priority = this.#random.pick<Priority>(['spare', 'low', 'normal', 'normal', 'high']);
    const deletionProtection = this.#random.next() < 0.1;
    return this.#world.newVm(`vm-${this.#named}`, {
      ...shape,
      placement,
      priority,
      deletionProtection,
      dataClass,
    });
  }

  #administration(): string {
    return this.#random.pick(['town', 'town', 'town', 'region', 'other']);
  }

  /** A batch of a few kinds of VMs, as many as can be made: each in its turn goes where it would go alone. */
  #createMany(): void {
    const random = this.#random;
    const administration = this.#administration();
    // Of VMs that are alike there must be some before placement takes them for a batch.
    const leaving = random.pick([0, 0.7, 1]);
    for (const { uid } of [...this.#world.state.vms.values()]) {
      if (random.next() < leaving) this.#apply({ type: 'vm.removed', uid });
    }
    const kinds = Array.from({ length: random.pick([1, 1, 2, 5]) }, () => {
      return { spec: this.#spec(), placement: this.#placement(), dataClass: this.#dataClass() };
    });
    const wishes = Array.from({ length: 20 + random.below(60) }, () => random.pick(kinds));
    const vms = wishes.map(({ spec, placement, dataClass }) => this.#newVm(spec, placement, dataClass));
    const command = { ...this.#world.createOf(vms, administration), bestEffort: true };
    const decision = decide(this.#world.state, command, this.#world.nowMs);
    if (decision.refusal) throw new Error(`refused: ${decision.refusal.message}`);
    const made = new Map<string, Vm>();
    for (const change of decision.changes) {
      if (change.type === 'vm.created') made.set(change.vm.uid, change.vm);
    }
    for (const [index, { spec, placement, dataClass }] of wishes.entries()) {
      const { uid = '' } = vms[index] ?? {};
      const vm = made.get(uid);
      const found = this.#compare(requestForNew(administration, spec, 'x86_64', placement, 0, dataClass));
      if (found !== (vm?.host ?? null)) throw new Error(`${vm?.host} in a batch instead of ${found}`);
      if (vm !== undefined) this.#apply({ type: 'vm.created', vm });
      this.#count(vm === undefined ? 'refused in a batch' : 'placed in a batch');
    }
    // They would crowd out everything else.
    for (const uid of made.keys()) if (random.next() < 0.9) this.#apply({ type: 'vm.removed', uid });
  }

  #create(): void {
    const random = this.#random;
    const administration = this.#administration();
    const spec = this.#spec();
    const placement = this.#placement();
    const dataClass = this.#dataClass();
    const request = {
      ...requestForNew(administration, spec, 'x86_64', placement, 0, dataClass),
      refusedBy: this.#some(this.#hosts, 0.05),
    };
    const found = this.#compare(request);
    if (found === null && random.next() < 0.3) this.#compareDisplacement(request);
    if (found === null || request.refusedBy.length > 0) return;
    const vm = this.#newVm(spec, placement, dataClass);
    const decision = decide(this.#world.state, this.#world.createOf([vm], administration), this.#world.nowMs);
    if (decision.refusal) throw new Error(`refused: ${decision.refusal.message}`);
    for (const change of decision.changes) {
      // Operations are of no interest here, and would pile up.
      if (change.type !== 'vm.created') continue;
      if (change.vm.host !== found) throw new Error('a creation gives another host than placement');
      if (change.vm.numaCells?.length !== spec.numa?.cells) throw new Error('a creation without its cells');
      this.#apply(change);
    }
  }

  #compare(request: Parameters<typeof place>[1]): string | null {
    const { state } = this.#world;
    const wanted = expected(state, request);
    const found = place(state, request);
    const host = found.noHost ? null : found.host.id;
    this.decisions += 1;
    if (state.hostTable.index.slotMib > request.needs.memoryMib) this.#count('slots kept');
    const fail = (what: string) => {
      throw new Error(`decision ${this.decisions}: ${what} for ${JSON.stringify(request)}`);
    };
    if (host !== wanted.host) fail(`${host} instead of ${wanted.host}`);
    const cells = found.noHost ? [] : (found.numaCells ?? []);
    if (!isDeepStrictEqual(cells, wanted.cells)) fail(`cells ${cells} instead of ${wanted.cells}`);
    if (!found.noHost) {
      if (found.agreement !== wanted.agreement)
        fail(`under ${found.agreement} instead of ${wanted.agreement}`);
      if (found.agreement !== undefined) this.#count('placed under an agreement');
      this.#count('placed');
      if (request.extras !== undefined) this.#count('placed with extras');
      if (sparesGpus(state, request)) this.#count('GPUs spared');
      const { cells = 0, dedicatedCpus = false, hugepageKib = 0 } = request.layout ?? {};
      if (cells > 0) this.#count(`placed on ${cells} cells`);
      if (dedicatedCpus) this.#count('placed on dedicated CPUs');
      if (hugepageKib > 0) this.#count('placed on hugepages');
      return host;
    }
    const counts: Record<string, number> = {};
    for (const reason of wanted.reasons.values()) counts[reason] = (counts[reason] ?? 0) + 1;
    for (const [code, { hosts, sole }] of found.noHost.excluded) {
      this.#count(code);
      if (hosts !== counts[code]) fail(`${hosts} ${code} instead of ${counts[code]}`);
      if (sole !== (wanted.soles.get(code) ?? 0))
        fail(`${sole} only ${code} instead of ${wanted.soles.get(code)}`);
      delete counts[code];
    }
    if (Object.keys(counts).length > 0) fail(`nothing said of ${Object.keys(counts)}`);
    const lacked = Object.fromEntries(found.noHost.lackedExtras);
    if (!isDeepStrictEqual(lacked, wanted.lackedExtras))
      fail(`${JSON.stringify(lacked)} instead of ${JSON.stringify(wanted.lackedExtras)}`);
    return null;
  }

  /** Who would have to make room, and now and then they do. */
  #compareDisplacement(request: PlacementRequest): void {
    const { state } = this.#world;
    const priority = this.#random.pick<Priority>(['normal', 'high', 'critical']);
    const wanted = expectedDisplacement(state, request, priority);
    const found = findDisplacement(state, request, priority);
    const names = found?.vms.map((vm) => `${vm.administration}/${vm.id}`);
    if (found?.host.id !== wanted?.host || names?.join() !== wanted?.vms.join()) {
      throw new Error(`${names} on ${found?.host.id} instead of ${wanted?.vms} on ${wanted?.host} displaced`);
    }
    this.#count(found === null ? 'nobody to displace' : 'somebody to displace');
    if (found === null || this.#random.next() < 0.5) return;
    for (const { uid } of found.vms) this.#apply({ type: 'vm.displaced', uid, displacedFor: 'somebody' });
  }

  #count(outcome: string): void {
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
  }

  #apply(change: Change): void {
    apply(this.#world.state, change, this.#world.nowMs);
  }

  #anyVm(): Vm | undefined {
    const { vms } = this.#world.state;
    const at = this.#random.below(Math.max(1, vms.size));
    let index = 0;
    for (const vm of vms.values()) if (index++ === at) return vm;
    return undefined;
  }

  #leave(): void {
    const vm = this.#anyVm();
    if (vm !== undefined) this.#apply({ type: 'vm.removed', uid: vm.uid });
  }

  /** As after a refusal by its host: another one is sought while it still counts on the first. */
  #move(): void {
    const vm = this.#anyVm();
    if (vm === undefined || vm.host === null) return;
    const request = requestForMove(this.#world.state, vm, 'x86_64', [vm.host]);
    const host = this.#compare(request);
    if (host === null) return;
    const found = place(this.#world.state, request);
    const { numaCells, agreement } = found.noHost ? {} : found;
    const refusedBy = [vm.host];
    const { term, generation } = vm;
    this.#apply({
      type: 'vm.placed',
      uid: vm.uid,
      host,
      ...(numaCells === undefined ? {} : { numaCells }),
      ...(agreement === undefined ? {} : { agreement }),
      term: term + 1,
      generation: generation + 1,
      refusedBy,
    });
  }

  /** A quota, a loan, a rule, a partner or an agreement comes, changes, or goes. */
  #govern(): void {
    const random = this.#random;
    const world = this.#world;
    const { tenancy } = world.state;
    const id = `x${random.below(4)}`;
    const administration = random.pick(administrations);
    const scope = random.pick<Scope>([
      { kind: 'everywhere' },
      { kind: 'country', country: random.pick(['HR', 'SI']) },
      { kind: 'site', site: random.pick(siteIds) },
    ]);
    const places = () => ({
      countries: this.#some(['HR', 'SI'], 0.6),
      jurisdictions: this.#some(['EU', 'EEA'], 0.3),
    });
    const etag = '';
    const prices = { memoryGibMicros: 0, diskGibMicros: 0, stoppedPercent: 0 };
    const price = { currency: 'EUR', vcpuMicros: random.below(3), ...prices };
    const limit = () => this.#limit();
    const happenings: (() => unknown)[] = [
      () => world.try({ type: 'quota.set', administration, scope, limit: limit(), etag }),
      () => world.try({ type: 'quota.delete', administration, scope, etag }),
      () => world.try({ type: 'quota.delete', administration, scope, etag }),
      () => {
        for (const quota of [...tenancy.quotas.values()])
          world.try({ type: 'quota.delete', administration: quota.administration, scope: quota.scope, etag });
      },
      () => {
        const amount = random.pick<Limits>([{ vcpus: 2 }, { vms: 1, memoryMib: 512 }]);
        const untilMs = world.nowMs + 10_000 * random.below(5);
        const borrower = random.pick(administrations);
        const loan = {
          id: world.draw('loan'),
          lender: administration,
          borrower,
          scope,
          amount,
          untilMs,
          note: '',
        };
        return world.try({ type: 'loan.create', ...loan });
      },
      () => {
        world.nowMs += 10_000 * random.below(3);
        world.catchUp();
      },
      () =>
        world.try({
          type: 'residency.create',
          id,
          dataClass: this.#dataClass(),
          administration: random.pick([null, ...administrations]),
          allowed: places(),
          forbidden: places(),
          legalBasis: 'law',
          priority: random.below(3),
          fromMs: null,
          untilMs: random.pick([null, world.nowMs + 20_000]),
          startUntilMs: null,
        }),
      () => {
        for (const rule of [...tenancy.rules.keys()]) world.try({ type: 'residency.delete', id: rule, etag });
      },
      () => world.try({ type: 'residency.delete', id, etag }),
      () => world.try({ type: 'partner.update', id: random.pick(partners), open: random.next() < 0.6, etag }),
      () =>
        world.try({
          type: 'partner.update',
          id: random.pick(partners),
          administrations: this.#some(administrations, 0.3),
          etag,
        }),
      () => {
        const partner = random.pick(partners);
        // It is of use only where others may not go anyway.
        world.try({ type: 'partner.update', id: partner, open: false, administrations: ['other'], etag });
        world.try({
          type: 'agreement.create',
          id,
          title: '',
          partner,
          beneficiary: random.pick<Beneficiary>([
            { kind: 'partner', partner: random.pick(partners) },
            { kind: 'administration', administration },
            { kind: 'administration', administration: 'state' },
          ]),
          limit: random.pick([{}, limit(), limit()]),
          limitPercent: random.pick([null, null, 10, 40]),
          reserve: random.pick<Limits>([{}, {}, { vcpus: 20 }, { memoryMib: 40_000, extras: { vf: 3 } }]),
          price,
          fromMs: null,
          untilMs: random.pick([null, world.nowMs + 20_000]),
          noticeDays: random.below(2),
        });
      },
      () => world.try({ type: 'agreement.update', id, limit: limit(), etag }),
      () => world.try({ type: 'agreement.recall', id, etag }),
      () => {
        for (const one of [...tenancy.agreements.keys()])
          world.try({ type: 'agreement.delete', id: one, etag });
      },
    ];
    random.pick(happenings)();
  }

  /** About as much as a few VMs hold. */
  #limit(): Limits {
    const random = this.#random;
    return random.pick<Limits>([
      { vcpus: random.below(30) },
      { memoryMib: 1024 * random.below(30), vms: 20 },
      { diskMib: 1000 * random.below(30) },
      { vms: random.below(20), extras: { vf: random.below(5) } },
    ]);
  }

  /** Something happens to a host or a site. */
  #disturb(): void {
    const random = this.#random;
    const id = random.pick(this.#hosts);
    const site = random.pick(siteIds);
    const etag = '';
    const cordoned = random.next() < 0.2;
    const percent = random.pick([50, 100, 200, 300]);
    const world = this.#world;
    const happenings: (() => unknown)[] = [
      () => world.try({ type: 'host.cordon', id, cordoned }),
      () => world.try({ type: 'site.cordon', id: site, cordoned }),
      () => world.try({ type: 'host.disconnected', id, reason: '' }),
      () => this.#hello(id),
      () => this.#hello(id),
      () => {
        const dedicatedTo = random.pick([null, null, null, 'region']);
        return world.try({ type: 'host.update', id, traits: this.#some(traits, 0.6), dedicatedTo, etag });
      },
      () => world.try({ type: 'host.update', id, vcpuOvercommitPercent: random.pick([null, percent]), etag }),
      () => {
        const jurisdictions = this.#some(['EU', 'EEA'], 0.7);
        const keepFailoverRoom = random.next() < 0.3;
        const priceTier = random.below(3);
        const changed = { jurisdictions, vcpuOvercommitPercent: percent, keepFailoverRoom, priceTier };
        return world.try({ type: 'site.update', id: site, ...changed, etag });
      },
      () => {
        if (random.next() < 0.3) return world.try({ type: 'recovery.enter', sites: [site], reason: 'x' });
        for (const one of siteIds) this.#apply({ type: 'recovery.ended', site: one });
        return null;
      },
    ];
    random.pick(happenings)();
  }
}
