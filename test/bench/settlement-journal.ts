/**
 * A year of a large federation as a scheduler would have written it: twenty partners that let one another use their sites,
 * tens of thousands of VMs that are made, stopped, started, resized, moved and deleted, and prices that change every
 * month. Most of a journal is not about use at all (what hosts see, what becomes of operations), so neither is this one.
 */
import Database from 'better-sqlite3';
import type { Change } from '../../scheduler/core/changes.js';
import type {
  DesiredState,
  Operation,
  OperationVerb,
  Vm,
  VmSpec,
  VmState,
} from '../../scheduler/core/model.js';
import type { Agreement } from '../../scheduler/core/tenancy/model.js';
import { chainHash, chainStart } from '../../scheduler/store/sqlite/chain.js';
import { SqliteStore } from '../../scheduler/store/sqlite/sqlite-store.js';

export const yearStartMs = Date.UTC(2026, 0, 1);
export const yearEndMs = Date.UTC(2027, 0, 1);
const partners = 20;
const sitesOfPartner = 2;
const hostsOfSite = 25;
const administrationsOfPartner = 25;
/** VMs that there are at a time, more or less. */
const population = 40_000;
/** Orders over the year: each ends a segment, or begins a VM. */
const orders = 870_000;
const currencies = ['EUR', 'EUR', 'EUR', 'MKD', 'JPY'];

/** The same numbers at every run. */
class Random {
  #state = 20_261_123;

  below(bound: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % bound;
  }
}

interface Alive {
  uid: string;
  owner: number;
  home: number;
  spec: VmSpec;
  desired: DesiredState;
  parked: boolean;
  generation: number;
}

/** Writes the file, and says how many decisions it has. */
export async function writeYear(file: string): Promise<{ decisions: number; bytes: number }> {
  await new SqliteStore(file).close();
  const db = new Database(file);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = OFF');
  const insert = db.prepare(
    'INSERT INTO journal (first, last, at_ms, body, hash) VALUES (?, ?, ?, CAST(? AS TEXT), ?)',
  );
  let sequence = 0;
  let bytes = 0;
  let hash: Buffer = chainStart;
  const commit = (lines: string[], atMs: number) => {
    const body = Buffer.from(lines.join('\n'));
    const first = sequence + 1;
    sequence += lines.length;
    hash = chainHash(hash, first, sequence, body);
    insert.run(first, sequence, atMs, body, hash);
    bytes += body.length;
  };
  db.transaction(() => {
    for (const { atMs, batches } of new Year().decisions()) {
      for (const changes of batches) commit([JSON.stringify([atMs, changes])], atMs);
    }
  })();
  db.close();
  return { decisions: sequence, bytes };
}

class Year {
  readonly #random = new Random();
  readonly #alive: Alive[] = [];
  #drawn = 0;

  *decisions(): Generator<{ atMs: number; batches: Change[][] }> {
    yield { atMs: yearStartMs, batches: [[...this.#beginning()]] };
    const step = (yearEndMs - yearStartMs) / orders;
    const month = orders / 12;
    for (let index = 1; index < orders; index += 1) {
      const atMs = Math.floor(yearStartMs + index * step);
      if (index % month === 0) yield { atMs, batches: [[...this.#prices(index / month)]] };
      yield { atMs, batches: this.#order(atMs) };
    }
  }

  *#beginning(): Generator<Change> {
    const times = { revision: 1, createdMs: yearStartMs, updatedMs: yearStartMs };
    for (let index = 0; index < partners; index += 1) {
      const country = countryOf(index);
      const partner = {
        id: `partner-${index}`,
        title: '',
        country,
        administrations: [],
        open: false,
        ...times,
      };
      yield { type: 'partner.set', partner };
      for (let site = 0; site < sitesOfPartner; site += 1) yield* siteOf(index, site);
      for (let each = 0; each < administrationsOfPartner; each += 1) {
        const parent = each === 0 ? null : administrationOf(index, Math.floor((each - 1) / 4));
        const id = administrationOf(index, each);
        yield {
          type: 'administration.created',
          administration: { id, title: 'Општина', parent, country, ...times },
        };
      }
    }
    yield* this.#prices(0);
  }

  *#prices(month: number): Generator<Change> {
    for (let from = 0; from < partners; from += 1) {
      for (let to = 0; to < partners; to += 1) {
        if (from !== to) yield { type: 'agreement.set', agreement: agreementOf(from, to, month) };
      }
    }
  }

  #order(atMs: number): Change[][] {
    const random = this.#random;
    const kind = random.below(16);
    if (kind < 4 ? this.#alive.length < population * 1.1 : this.#alive.length < population * 0.9) {
      return this.#create(atMs);
    }
    const index = random.below(this.#alive.length);
    const vm = this.#alive[index] as Alive;
    vm.generation += 1;
    const { uid, generation } = vm;
    if (kind < 4) {
      this.#alive[index] = this.#alive.at(-1) as Alive;
      this.#alive.pop();
      const ordered: Change = {
        type: 'vm.desired',
        uid,
        desired: 'deleted',
        generation,
        stopMode: 'force',
        stopGraceSeconds: 60,
      };
      return this.#worked(atMs, vm, 'delete', [ordered], 'stopping', [{ type: 'vm.removed', uid }]);
    }
    if (kind < 6) {
      const spec = this.#spec();
      vm.spec = spec;
      return this.#worked(
        atMs,
        vm,
        'resize',
        [{ type: 'vm.resized', uid, spec, generation }],
        'preparing',
        [],
      );
    }
    if (kind < 9) {
      const where = this.#place(vm.home);
      const placed: Change = {
        type: 'vm.placed',
        uid,
        ...where,
        term: generation,
        generation,
        refusedBy: [],
      };
      return this.#worked(atMs, vm, 'start', [placed], 'preparing', []);
    }
    const stop = vm.desired === 'running';
    vm.desired = stop ? 'stopped' : 'running';
    const ordered: Change = {
      type: 'vm.desired',
      uid,
      desired: vm.desired,
      generation,
      stopMode: 'graceful',
      stopGraceSeconds: 60,
    };
    const parks = stop && kind === 15;
    const returns = !stop && vm.parked;
    vm.parked = parks;
    return this.#worked(
      atMs,
      vm,
      stop ? 'stop' : 'start',
      returns ? [{ type: 'vm.returned', uid }, ordered] : [ordered],
      stop ? 'stopping' : 'starting',
      parks ? [{ type: 'vm.parked', uid }] : [],
    );
  }

  /** An order, what its host sees on the way, and how it ends. */
  #worked(
    atMs: number,
    { uid, generation, desired }: Alive,
    verb: OperationVerb,
    ordered: Change[],
    on: VmState,
    done: Change[],
  ): Change[][] {
    const id = this.#uuid();
    const seen = { type: 'vm.observed' as const, uid, generation, rebootCount: 0, fault: null };
    const operation: Operation = {
      id,
      verb,
      state: 'running',
      targets: [uid],
      succeeded: 0,
      failed: 0,
      fault: null,
      createdSequence: this.#drawn,
      createdMs: atMs,
      endedMs: 0,
    };
    const state = desired === 'stopped' ? 'stopped' : 'running';
    return [
      [...ordered, { type: 'operation.started', operation }],
      [{ ...seen, state: on }],
      [{ ...seen, state }, { type: 'operation.target_ended', id, uid, fault: null }, ...done],
    ];
  }

  #create(atMs: number): Change[][] {
    const random = this.#random;
    const home = random.below(partners);
    const uid = this.#uuid();
    const desired = random.below(8) === 0 ? 'stopped' : 'running';
    const made: Alive = {
      uid,
      home,
      owner: random.below(administrationsOfPartner),
      spec: this.#spec(),
      desired,
      parked: false,
      generation: 1,
    };
    this.#alive.push(made);
    const vm = vmOf(made, this.#place(home), this.#drawn, atMs);
    return this.#worked(atMs, made, 'create', [{ type: 'vm.created', vm }], 'preparing', []);
  }

  #place(home: number): { host: string; agreement?: string } {
    const random = this.#random;
    const partner = random.below(4) === 0 ? home : random.below(partners);
    const host = `host-${partner}-${random.below(sitesOfPartner)}-${random.below(hostsOfSite)}`;
    return partner === home ? { host } : { host, agreement: `agreement-${partner}-${home}` };
  }

  #spec(): VmSpec {
    const size = 1 << this.#random.below(5);
    return {
      vcpus: size,
      memoryMib: size * 3072 + 512,
      diskMib: (1 + this.#random.below(200)) * 1000,
      imageUid: '4f9c1c54-7c3b-4b7e-9a58-6f3f7a1d0c11',
      pool: '',
    };
  }

  #uuid(): string {
    this.#drawn += 1;
    const digits = this.#drawn.toString(16).padStart(12, '0');
    return `6f1f3c1e-0b0a-4f6e-9f53-${digits}`;
  }
}

const countryOf = (partner: number) => `${String.fromCharCode(65 + partner)}A`;
const administrationOf = (partner: number, index: number) => `administration-${partner}-${index}`;

function* siteOf(partner: number, index: number): Generator<Change> {
  const times = { revision: 1, createdMs: yearStartMs, updatedMs: yearStartMs };
  const id = `site-${partner}-${index}`;
  yield {
    type: 'site.created',
    site: {
      id,
      title: '',
      partner: `partner-${partner}`,
      country: countryOf(partner),
      jurisdictions: ['EU'],
      cordoned: false,
      vcpuOvercommitPercent: 100,
      keepFailoverRoom: false,
      ...times,
    },
  };
  for (let host = 0; host < hostsOfSite; host += 1) {
    yield {
      type: 'host.joined',
      host: {
        id: `host-${partner}-${index}-${host}`,
        site: id,
        rack: 'r1',
        machineId: '0123456789abcdef0123456789abcdef',
        state: 'joined',
        stateMs: yearStartMs,
        stateReason: '',
        cordoned: false,
        capacity: { vcpus: 0, memoryMib: 0, diskMib: 0, vms: 0 },
        traits: [],
        dedicatedTo: null,
        vcpuOvercommitPercent: null,
        inventory: null,
        libvirtAvailable: false,
        foreignDomains: 0,
        orphans: [],
        bootIds: [],
        connectedMs: 0,
        ...times,
      },
    };
  }
}

function vmOf(
  { uid, home, owner, spec, desired }: Alive,
  where: { host: string; agreement?: string },
  createdSequence: number,
  atMs: number,
): Vm {
  return {
    uid,
    administration: administrationOf(home, owner),
    id: `vm-${createdSequence}`,
    title: 'Register of births',
    labels: { env: 'production', team: 'registers' },
    spec,
    policy: { onGuestShutdown: 'stay_stopped', rebuildable: false },
    placement: { sites: [], countries: [], excludedHosts: [] },
    desired,
    state: 'placed',
    stateMs: atMs,
    ...where,
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
    operation: uid,
    fault: null,
    revision: 1,
    createdSequence,
    createdMs: atMs,
    updatedMs: atMs,
  };
}

function agreementOf(from: number, to: number, month: number): Agreement {
  return {
    id: `agreement-${from}-${to}`,
    title: '',
    partner: `partner-${from}`,
    beneficiary:
      (from + to) % 2 === 0
        ? { kind: 'partner', partner: `partner-${to}` }
        : { kind: 'administration', administration: administrationOf(to, 0) },
    limit: {},
    limitPercent: null,
    reserve: {},
    price: {
      currency: currencies[from % currencies.length] as string,
      vcpuMicros: 9000 + 37 * to + 101 * month,
      memoryGibMicros: 2100 + 13 * from,
      diskGibMicros: 61 + month,
      stoppedPercent: (from * 7) % 101,
    },
    fromMs: yearStartMs,
    untilMs: null,
    noticeDays: 90,
    state: 'in_force',
    noticeUntilMs: null,
    recalled: false,
    revision: month + 1,
    createdMs: yearStartMs,
    updatedMs: yearStartMs,
  };
}
