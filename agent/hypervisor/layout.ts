/**
 * Where on the machine a domain lies: which cells its parts have, and on which CPUs its vCPUs may run. The scheduler
 * names the cells; the CPUs are chosen here, whole cores first, and those with the lowest numbers last, since the host's
 * own work is there.
 */
import { type Hardware, HypervisorError, type NumaCellFacts } from './hypervisor.js';

export interface CellLayout {
  /** The host's cell. */
  id: number;
  /** The guest's vCPUs that are in it. */
  vcpus: number[];
}

export interface DomainLayout {
  /** Pages of the memory; 0 for ordinary memory. */
  hugepageKib: number;
  /** Ascending by id; empty for a domain that floats. */
  cells: CellLayout[];
  /** The CPUs that each vCPU may run on, by vCPU; empty when it may run anywhere. */
  pins: number[][];
  /** Each vCPU has its CPU to itself. */
  dedicated: boolean;
  /** The CPUs for what works for all vCPUs. */
  emulator: number[];
}

/** A running guest can be given so many times the vCPUs that it was started with; it keeps tables for each of them. */
const vcpuGrowth = 4;
/** What QEMU's machines for x86 take, and then some to spare. */
const mostVcpusOfMachine = 240;

/**
 * How many vCPUs a running domain can be given, no more than the machine has CPUs. One that lies on cells or hugepages has
 * them in equal parts, which are laid out when it is defined: it can be given none.
 */
export function mostVcpus(
  { vcpus, hardware }: { vcpus: number; hardware?: Hardware | undefined },
  machine: readonly NumaCellFacts[],
): number {
  const { hugepageKib = 0, cells = [] } = hardware ?? {};
  if (hugepageKib > 0 || cells.length > 0) return vcpus;
  const cpus = machine.reduce((sum, cell) => sum + cell.cpus, 0);
  return Math.max(vcpus, Math.min(vcpus * vcpuGrowth, cpus, mostVcpusOfMachine));
}

/** CPUs that domains have to themselves, by the uid of the domain. */
export type DedicatedCpus = ReadonlyMap<string, readonly number[]>;

/**
 * @throws HypervisorError when this machine has no such cells or pages, or too few CPUs that nobody has to himself.
 */
export function layOut(
  { uid, vcpus, hardware }: { uid: string; vcpus: number; hardware?: Hardware | undefined },
  machine: readonly NumaCellFacts[],
  dedicated: DedicatedCpus,
): DomainLayout {
  const { hugepageKib = 0, cells: wanted = [], dedicatedCpus = false } = hardware ?? {};
  const taken = new Set([...dedicated].flatMap(([of, cpus]) => (of === uid ? [] : cpus)));
  const free = (cell: NumaCellFacts) => cell.cores.flat().filter((cpu) => !taken.has(cpu));
  const cells = wanted.map((id) => cellOf(machine, id));
  for (const cell of cells.length > 0 ? cells : [undefined]) checkPages(machine, cell, hugepageKib);
  const layout = { hugepageKib, cells: share(vcpus, wanted), dedicated: dedicatedCpus };
  if (cells.length === 0) {
    if (taken.size === 0) return { ...layout, pins: [], emulator: [] };
    const anywhere = machine.flatMap(free);
    return { ...layout, pins: Array.from({ length: vcpus }, () => anywhere), emulator: anywhere };
  }
  const own = new Set(dedicated.get(uid));
  const pins = cells.flatMap((cell, index) => {
    const count = (layout.cells[index] as CellLayout).vcpus.length;
    if (!dedicatedCpus) return Array.from({ length: count }, () => free(cell));
    return chooseCpus(cell, count, taken, own).map((cpu) => [cpu]);
  });
  const used = new Set(dedicatedCpus ? pins.flat() : []);
  const others = cells.flatMap(free).filter((cpu) => !used.has(cpu));
  if (pins.some((cpus) => cpus.length === 0)) throw noCpus(wanted);
  // Where a domain has all CPUs of its cells, what works for it has to run on them as well.
  return { ...layout, pins, emulator: others.length > 0 ? others : pins.flat() };
}

/** The guest's vCPUs in equal parts. */
function share(vcpus: number, cells: readonly number[]): CellLayout[] {
  const part = vcpus / Math.max(1, cells.length);
  return cells.map((id, index) => ({
    id,
    vcpus: Array.from({ length: part }, (_, vcpu) => index * part + vcpu),
  }));
}

function cellOf(machine: readonly NumaCellFacts[], id: number): NumaCellFacts {
  const cell = machine.find((one) => one.id === id);
  if (cell === undefined) throw new HypervisorError('invalid', `this host has no NUMA cell ${id}`);
  return cell;
}

function checkPages(
  machine: readonly NumaCellFacts[],
  cell: NumaCellFacts | undefined,
  hugepageKib: number,
): void {
  if (hugepageKib === 0) return;
  const pools = (cell === undefined ? machine : [cell]).flatMap(({ hugepages }) => hugepages);
  if (pools.some(({ sizeKib }) => sizeKib === hugepageKib)) return;
  const where = cell === undefined ? 'this host' : `NUMA cell ${cell.id} of this host`;
  throw new HypervisorError('invalid', `${where} has no hugepages of ${hugepageKib} KiB`);
}

/** Those that the domain has already, then whole cores, the last ones first. */
function chooseCpus(
  { id, cores }: NumaCellFacts,
  count: number,
  taken: ReadonlySet<number>,
  own: ReadonlySet<number>,
): number[] {
  const free = cores.map((core) => core.filter((cpu) => !taken.has(cpu)));
  const whole = free.filter((core, index) => core.length === cores[index]?.length);
  const rest = free.filter((core, index) => core.length !== cores[index]?.length);
  const order = [...whole.reverse(), ...rest.reverse()].flat();
  const kept = order.filter((cpu) => own.has(cpu));
  const chosen = [...kept, ...order.filter((cpu) => !own.has(cpu))].slice(0, count);
  if (chosen.length < count) throw noCpus([id]);
  return chosen;
}

function noCpus(cells: readonly number[]): HypervisorError {
  return new HypervisorError(
    'invalid',
    `NUMA cell ${cells.join(', ')} of this host has too few CPUs to itself left`,
  );
}
