/**
 * How long it takes to build a state from entities that are in memory already: the part of a start that comes after
 * the store has been read. It runs in a process of its own, since a start is not made by code that is warm, and says
 * the seconds it took. `placement-warm-start.js HOSTS VMS`
 */
import type { Vm } from '../../scheduler/core/model.js';
import { State } from '../../scheduler/core/state.js';
import { Random } from '../scheduler/core/placement/random.js';
import { smallWorld } from '../scheduler/core/world.js';
import { collectGarbage } from './placement-collect.js';
import { emptyWorld, makeHosts } from './placement-fleet.js';
import { sites } from './placement-places.js';
import { tracedSizes } from './placement-sizes.js';

const hostCount = Number(process.argv[2]);
const vmCount = Number(process.argv[3]);
const random = new Random(1);
const capacity = { vcpus: 64, memoryMib: 262_144, diskMib: 4_194_304, vms: 500 };
const entities = emptyWorld().state;
const hosts = makeHosts(hostCount, () => ({ site: random.pick(sites).id, capacity })).map(asStored);
const like = smallWorld('like').vm('like');
const vms: Vm[] = Array.from({ length: vmCount }, (_, number) =>
  asStored({
    ...like,
    uid: `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(8)}${hex(4)}`,
    id: `vm-${number}`,
    spec: { ...like.spec, ...sizeOf(tracedSizes.draw(random)) },
    host: random.pick(hosts).id,
    createdSequence: number,
  }),
);

collectGarbage();
const startedMs = performance.now();
const state = new State();
state.federation = entities.federation;
for (const site of entities.sites.values()) state.addSite(site);
for (const administration of entities.administrations.values()) state.addAdministration(administration);
for (const image of entities.images.values()) state.addImage(image);
for (const host of hosts) state.addHost(host);
state.addVms(vms);
const seconds = (performance.now() - startedMs) / 1000;
if (state.vms.size !== vmCount || state.hosts.size !== hostCount) throw new Error('not all of it is there');
process.stdout.write(`${seconds}\n`);

function sizeOf(number: number) {
  const { vcpus, memoryMib, diskMib } = tracedSizes.all[number] ?? like.spec;
  return { vcpus, memoryMib, diskMib };
}

/** What the store would give: parsed from text, and sharing nothing. */
function asStored<T>(entity: T): T {
  return JSON.parse(JSON.stringify(entity)) as T;
}

function hex(digits: number): string {
  return random
    .below(16 ** digits)
    .toString(16)
    .padStart(digits, '0');
}
