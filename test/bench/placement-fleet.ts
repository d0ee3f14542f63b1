/**
 * A fleet of ready hosts in a state as the scheduler has it, filled with VMs. Deciding goes the way that a create
 * goes: through rules and masks to the index, and what is found is claimed. Hosts come as entities, as they do from the
 * store, because a hundred thousand joins and hellos would take longer than all that is measured.
 */
import type { Host, Resources, VmPlacement } from '../../scheduler/core/model.js';
import { type PlacementRequest, requestForNew } from '../../scheduler/core/placement/request.js';
import { findHost } from '../../scheduler/core/placement/search.js';
import type { State } from '../../scheduler/core/state.js';
import { Random } from '../scheduler/core/placement/random.js';
import { smallWorld, World } from '../scheduler/core/world.js';
import { add, fill, nothing, presentMinute, type Vms } from './placement-fill.js';
import { makePlaces, type Place, sites } from './placement-places.js';
import { Recent } from './placement-recent.js';
import type { ScanColumns } from './placement-scan.js';
import type { Sizes } from './placement-sizes.js';

export interface FleetPlan {
  hosts: number;
  /** What hosts have for each vCPU: it says what is scarce. */
  memoryPerVcpuMib: number;
  diskPerVcpuMib: number;
  sizes: Sizes;
  seed: number;
}

const architecture = 'x86_64';
const msPerMinute = 60_000;
const vcpusOfHosts = [48, 64, 96, 96];
const vmsOfHost = 500;
/** How much of what is scarcest is taken. */
const load = 0.85;

export class Fleet {
  readonly state: State;
  readonly world: World;
  readonly sizes: Sizes;
  readonly places: readonly Place[];
  readonly vms: Vms;
  /** By size. */
  readonly recent: readonly Recent[];
  readonly columns: ScanColumns;
  readonly random: Random;

  constructor({ hosts, memoryPerVcpuMib, diskPerVcpuMib, sizes, seed }: FleetPlan) {
    this.random = new Random(seed);
    this.sizes = sizes;
    this.places = makePlaces(this.random);
    this.recent = sizes.all.map(() => new Recent());
    this.world = emptyWorld();
    this.state = this.world.state;
    const site = sitesOfHosts(hosts, this.random);
    const entities = makeHosts(hosts, (row) => {
      const vcpus = vcpusOfHosts[row % vcpusOfHosts.length] as number;
      const capacity = {
        vcpus,
        memoryMib: vcpus * memoryPerVcpuMib,
        diskMib: vcpus * diskPerVcpuMib,
        vms: vmsOfHost,
      };
      return { site: (sites[site[row] as number] as { id: string }).id, capacity };
    });
    for (const host of entities) this.state.addHost(host);
    const capacities = entities.map(({ capacity }) => capacity);
    this.vms = fill(capacities, site, sizes, this.places, load, this.random);
    const { hostTable } = this.state;
    hostTable.claimTogether(() => this.#claimAll());
    hostTable.index.reconsider();
    this.columns = { free: this.state.hostTable, hosts, site, order: orderOf(entities) };
  }

  #claimAll(): void {
    const { host, size, created } = this.vms;
    for (const [vm, row] of host.entries()) {
      this.claim(row, this.sizes.all[size[vm] as number] as Resources, created[vm] as number, 1);
    }
  }

  /** The row of the host that is best for a request, which is claimed there; -1 if there is none. */
  decide(request: PlacementRequest): number {
    const row = findHost(this.state, request);
    if (row >= 0) this.claim(row, request.needs, presentMinute, 1);
    return row;
  }

  /** The answer alone. */
  find(request: PlacementRequest): number {
    return findHost(this.state, request);
  }

  /** A VM that was created in that minute comes or goes. */
  claim(row: number, needs: Resources, createdMinute: number, sign: 1 | -1): void {
    this.state.hostTable.claimRow(row, needs, createdMinute * msPerMinute, sign);
    this.state.hostTable.index.note(needs, sign);
  }

  /** A VM departs, and its number goes to one that has just been placed. */
  replace(vm: number, row: number, size: number, place: number): void {
    const id = this.state.hostTable.hosts[row]?.id ?? '';
    (this.recent[size] as Recent).took(row, id);
    const { host, size: sizeOf, place: placeOf, created } = this.vms;
    const needs = this.sizes.all[sizeOf[vm] as number] as Resources;
    this.claim(host[vm] as number, needs, created[vm] as number, -1);
    created[vm] = presentMinute;
    host[vm] = row;
    sizeOf[vm] = size;
    placeOf[vm] = place;
  }

  /** Percent of all hosts' resources that VMs hold. */
  taken(): Resources {
    const total = nothing();
    const held = nothing();
    for (const { id, capacity } of this.state.hosts.values()) {
      add(total, capacity);
      add(held, this.state.hostTable.claimed(id));
    }
    const percent = (kind: keyof Resources) => (100 * held[kind]) / total[kind];
    return {
      vcpus: percent('vcpus'),
      memoryMib: percent('memoryMib'),
      diskMib: percent('diskMib'),
      vms: percent('vms'),
    };
  }
}

export function requestOf(needs: Resources, placement: VmPlacement): PlacementRequest {
  const { vcpus, memoryMib, diskMib } = needs;
  const spec = { vcpus, memoryMib, diskMib, imageUid: '', pool: '' };
  return requestForNew('adm', spec, architecture, placement);
}

/** The sites, an administration and an image, but no hosts. */
export function emptyWorld(): World {
  const world = new World();
  world.run({ type: 'federation.open', instance: 'bench', name: 'bench', incarnation: 1 });
  for (const { id, country } of sites) world.site(id, country);
  // Whom partners serve is measured elsewhere.
  world.run({ type: 'partner.update', id: 'p', open: true, etag: '' });
  world.administration('adm');
  world.image('tiny');
  return world;
}

/** Ready hosts. Their ids are in another order than they come in. */
export function makeHosts(count: number, of: (row: number) => { site: string; capacity: Resources }): Host[] {
  const like = smallWorld('like').state.hosts.get('like') as Host;
  return Array.from({ length: count }, (_, row) => {
    const id = `host-${String((row * 7919) % count).padStart(6, '0')}`;
    const { site, capacity } = of(row);
    const rack = `rack-${row % 50}`;
    return { ...like, id, site, rack, machineId: `machine-of-${id}`, capacity, inventory: { architecture } };
  });
}

/** The number of each host's site: the shares exactly, in random order. */
function sitesOfHosts(hosts: number, random: Random): Uint8Array {
  const hundred = sites.flatMap(({ share }, site) => Array.from({ length: share }, () => site));
  const numbers = Uint8Array.from({ length: hosts }, (_, row) => hundred[row % hundred.length] as number);
  for (let last = hosts - 1; last > 0; last -= 1) {
    const other = random.below(last + 1);
    const kept = numbers[last] as number;
    numbers[last] = numbers[other] as number;
    numbers[other] = kept;
  }
  return numbers;
}

function orderOf(hosts: readonly Host[]): Int32Array {
  const order = new Int32Array(hosts.length);
  const rows = [...hosts.keys()].sort((a, b) => ((hosts[a] as Host).id < (hosts[b] as Host).id ? -1 : 1));
  for (const [at, row] of rows.entries()) order[row] = at;
  return order;
}
