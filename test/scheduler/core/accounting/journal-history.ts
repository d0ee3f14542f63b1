/**
 * Random journals for accounting: changes that fit together, with more of what counts than a real federation would have in
 * so short a time. Written here change by change and not by the deciders, which refuse most of what is interesting.
 */
import fc from 'fast-check';
import type { Change } from '../../../../scheduler/core/changes.js';
import type { Administration, Host, Site, Vm } from '../../../../scheduler/core/model.js';
import type { Agreement, Partner, Price } from '../../../../scheduler/core/tenancy/model.js';

/** A decision: when, and what. */
export type Decision = [atMs: number, changes: Change[]];

export const startMs = Date.UTC(2026, 10, 1);
export const hour = 3_600_000;

const kinds = [
  'create',
  'create',
  'create',
  'place',
  'place',
  'adopt',
  'unplace',
  'resize',
  'stop',
  'start',
  'order deletion',
  'displace',
  'park',
  'change agreement',
  'return',
  'remove',
  'price',
  'partner',
  'move',
  'observe',
  'reopen',
] as const;

const step = fc.record({
  kind: fc.constantFrom(...kinds),
  one: fc.nat(7),
  other: fc.nat(7),
  afterMs: fc.oneof(
    { arbitrary: fc.constantFrom(0, 1, hour), weight: 2 },
    { arbitrary: fc.integer({ min: 0, max: 30 * hour }), weight: 3 },
  ),
  /** It is one decision with the step before. */
  joined: fc.boolean(),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

export const steps = fc.array(step, { maxLength: 60, size: 'max' });

const always = { revision: 1, createdMs: 1, updatedMs: 1 };

export function site(id: string, partner: string, country: string): Site {
  return {
    id,
    title: '',
    partner,
    country,
    jurisdictions: [],
    cordoned: false,
    vcpuOvercommitPercent: 100,
    keepFailoverRoom: false,
    ...always,
  };
}

export function administration(id: string, parent: string | null, country: string): Administration {
  return { id, title: 'Општина „{]}\\"', parent, country, ...always };
}

export function partner(id: string, country: string, administrations: string[] = []): Partner {
  return { id, title: '', country, administrations, open: false, ...always };
}

export function agreement(id: string, change: Partial<Agreement> = {}): Agreement {
  return {
    id,
    title: '',
    partner: 'p0',
    beneficiary: { kind: 'partner', partner: 'p1' },
    limit: {},
    limitPercent: null,
    reserve: {},
    price: price(),
    fromMs: 0,
    untilMs: null,
    noticeDays: 0,
    state: 'in_force',
    noticeUntilMs: null,
    recalled: false,
    ...always,
    ...change,
  };
}

export function price(change: Partial<Price> = {}): Price {
  return {
    currency: 'EUR',
    vcpuMicros: 12_345,
    memoryGibMicros: 4567,
    diskGibMicros: 89,
    stoppedPercent: 33,
    ...change,
  };
}

export function host(id: string, of: string): Host {
  return {
    id,
    site: of,
    rack: '',
    machineId: '',
    state: 'ready',
    stateMs: 1,
    stateReason: '',
    cordoned: false,
    capacity: { vcpus: 1, memoryMib: 1, diskMib: 1, vms: 1 },
    traits: [],
    dedicatedTo: null,
    vcpuOvercommitPercent: null,
    inventory: null,
    libvirtAvailable: true,
    foreignDomains: 0,
    orphans: [],
    bootIds: [],
    connectedMs: 0,
    ...always,
  };
}

export function vm(uid: string, of: string, change: Partial<Vm> = {}): Vm {
  return {
    uid,
    administration: of,
    id: `vm-${uid}`,
    title: '"}],{"type":"vm.removed"\\',
    labels: { type: 'vm.removed' },
    spec: { vcpus: 2, memoryMib: 3000, diskMib: 7001, imageUid: 'image', pool: '' },
    policy: { onGuestShutdown: 'stay_stopped', rebuildable: false },
    placement: { sites: [], countries: [], excludedHosts: [] },
    desired: 'running',
    state: 'placed',
    stateMs: 1,
    host: null,
    term: 1,
    generation: 1,
    observedGeneration: 0,
    rebootCount: 0,
    observedRebootCount: 0,
    rebootMode: 'graceful',
    stopMode: 'graceful',
    stopGraceSeconds: 60,
    refusedBy: [],
    deletionProtection: false,
    operation: null,
    fault: null,
    createdSequence: 1,
    ...always,
    ...change,
  };
}

const fault = { code: 9, reason: 'NO', message: 'no' };
const countries = ['HR', 'MK', 'AL'];
const currencies = ['EUR', 'JPY', 'KWD', 'EUR'];

/** Partners, sites, hosts and agreements, some of them as an older version would have left them. */
export const beginning: Change[] = [
  { type: 'federation.opened', epoch: { incarnation: 1, counter: 1, instance: 'one' }, name: 'test' },
  { type: 'partner.set', partner: partner('p0', 'HR') },
  { type: 'partner.set', partner: partner('p1', 'MK', ['a2']) },
  { type: 'site.created', site: site('s0', 'p0', 'HR') },
  { type: 'site.created', site: site('s1', 'p1', 'MK') },
  // Of a partner that nobody has made.
  { type: 'site.created', site: site('s2', 'older', 'AL') },
  ...[0, 1, 2, 3, 4, 5].map(
    (index): Change => ({ type: 'host.joined', host: host(`h${index}`, `s${index % 3}`) }),
  ),
  ...['HR', 'MK', 'RS'].map((country, index): Change => {
    return { type: 'administration.created', administration: administration(`a${index}`, null, country) };
  }),
  ...[0, 1, 2].map((index): Change => {
    return {
      type: 'administration.created',
      administration: administration(`a${index}-b`, `a${index}`, 'HR'),
    };
  }),
  { type: 'agreement.set', agreement: agreement('g0') },
  {
    type: 'agreement.set',
    agreement: agreement('g1', {
      partner: 'p1',
      beneficiary: { kind: 'administration', administration: 'a0-b' },
    }),
  },
  {
    type: 'agreement.set',
    agreement: agreement('g2', {
      partner: 'older',
      beneficiary: { kind: 'administration', administration: 'a2' },
      price: price({ currency: 'JPY', stoppedPercent: 0 }),
    }),
  },
];

/** What a step is, against what the journal has made so far. */
class Writer {
  readonly #alive: string[] = [];
  /** Those that have a host. */
  readonly #placed = new Set<string>();
  #made = 0;
  #opened = 1;

  changes({ kind, one, other }: Step): Change[] {
    const uid = this.#alive[one % Math.max(1, this.#alive.length)];
    const where = { host: `h${other % 6}`, ...(other % 4 === 3 ? {} : { agreement: `g${other % 4}` }) };
    const placed = { ...where, term: 2, generation: 1 };
    switch (kind) {
      case 'create': {
        this.#made += 1;
        const made = `u${this.#made}`;
        this.#alive.push(made);
        const owner = `a${one % 3}${one > 3 ? '-b' : ''}`;
        const desired = other % 3 === 0 ? 'stopped' : 'running';
        if (other !== 7) this.#placed.add(made);
        const change = other === 7 ? ({ desired } as const) : ({ ...where, desired } as const);
        return [{ type: 'vm.created', vm: vm(made, owner, change) }];
      }
      case 'reopen':
        this.#opened += 1;
        return [
          {
            type: 'federation.opened',
            epoch: { incarnation: 1, counter: this.#opened, instance: 'again' },
            name: 'test',
          },
        ];
      case 'price':
        return [{ type: 'agreement.set', agreement: this.#repriced(one % 3, other) }];
      case 'partner': {
        const names = other < 3 ? [`a${other}`] : other < 5 ? [`a${other % 3}-b`, 'a0'] : [];
        return [
          { type: 'partner.set', partner: partner(`p${one % 4}`, countries[one % 3] as string, names) },
        ];
      }
      case 'move':
        return [{ type: 'administration.moved', id: `a${one % 3}-b`, parent: `a${other % 3}` }];
    }
    if (uid === undefined) return [];
    switch (kind) {
      case 'place':
        this.#placed.add(uid);
        return [{ type: 'vm.placed', uid, ...placed, refusedBy: [] }];
      case 'adopt':
        this.#placed.add(uid);
        return [{ type: 'vm.adopted', uid, ...placed }];
      case 'change agreement':
        if (!this.#placed.has(uid)) return [];
        return [{ type: 'vm.move', uid, move: null, generation: 1, agreement: where.agreement ?? null }];
      case 'unplace':
        this.#placed.delete(uid);
        return [{ type: 'vm.unplaced', uid, fault, refusedBy: [] }];
      case 'resize': {
        const spec = {
          vcpus: other + 1,
          memoryMib: 1024 * other + 1,
          diskMib: 500 * other,
          imageUid: 'i',
          pool: '',
        };
        return [{ type: 'vm.resized', uid, spec, generation: 2 }];
      }
      case 'stop':
      case 'start':
      case 'order deletion': {
        const desired = ({ stop: 'stopped', start: 'running', 'order deletion': 'deleted' } as const)[kind];
        return [{ type: 'vm.desired', uid, desired, generation: 2, stopMode: 'force', stopGraceSeconds: 0 }];
      }
      case 'displace':
        return [{ type: 'vm.displaced', uid, displacedFor: 'other' }];
      case 'park':
        return [{ type: 'vm.parked', uid }];
      case 'return':
        return [{ type: 'vm.returned', uid }];
      case 'remove':
        this.#alive.splice(this.#alive.indexOf(uid), 1);
        this.#placed.delete(uid);
        return [{ type: 'vm.removed', uid }];
      case 'observe':
        return [{ type: 'vm.observed', uid, state: 'failed', generation: 1, rebootCount: 0, fault }];
    }
    return [];
  }

  #repriced(index: number, variant: number): Agreement {
    const first = beginning.find(
      (change) => change.type === 'agreement.set' && change.agreement.id === `g${index}`,
    ) as Extract<Change, { type: 'agreement.set' }>;
    const changed = price({
      currency: currencies[variant % 4],
      vcpuMicros: variant * 1001,
      stoppedPercent: variant * 14,
    });
    // Now and then only the title is new.
    return { ...first.agreement, title: `${variant}`, ...(variant === 7 ? {} : { price: changed }) };
  }
}

/** The decisions of a history. */
export function historyOf(list: readonly Step[]): Decision[] {
  const writer = new Writer();
  const decisions: Decision[] = [[startMs, [...beginning]]];
  let nowMs = startMs;
  for (const each of list) {
    const changes = writer.changes(each);
    const last = decisions.at(-1);
    if (each.joined && last !== undefined) last[1].push(...changes);
    else {
      nowMs += each.afterMs;
      decisions.push([nowMs, changes]);
    }
  }
  return decisions;
}

/** As the journal has them. */
export function textOf(decisions: readonly Decision[]): Buffer {
  return Buffer.from(decisions.map((decision) => JSON.stringify(decision)).join('\n'));
}
