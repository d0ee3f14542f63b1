/**
 * Keeps CPUs that a domain has to itself free of all others: of Secovia's domains those that share are pinned anew
 * whenever one that does not comes or goes. Which CPUs are dedicated the definitions say, so that is read from them each
 * time libvirt is connected anew. Domains of others are never touched.
 */
import { type Connection, ErrorCode } from '../../../native/index.js';
import type { NumaCellFacts } from '../hypervisor.js';
import type { DedicatedCpus } from '../layout.js';
import { hasCode } from './failure.js';
import { type Pinned, readPinned } from './layout-xml.js';

const deadlineMs = 10_000;

/** What is needed of libvirt. */
type Pinning = Pick<Connection, 'domainXml' | 'domainPinVcpu' | 'domainPinEmulator'>;

export class CpuKeeper {
  #dedicated = new Map<string, readonly number[]>();
  #version = 0;

  get dedicated(): DedicatedCpus {
    return this.#dedicated;
  }

  /** Changes with every change of what is dedicated. */
  get version(): number {
    return this.#version;
  }

  /** A domain has these CPUs to itself; none gives them back. */
  note(uid: string, cpus: readonly number[]): void {
    if (cpus.length === 0 && !this.#dedicated.has(uid)) return;
    if (cpus.length === 0) this.#dedicated.delete(uid);
    else this.#dedicated.set(uid, cpus);
    this.#version += 1;
  }

  /** Reads what is dedicated from the definitions of these domains. */
  async read(connection: Pinning, uids: readonly string[]): Promise<void> {
    const dedicated = new Map<string, readonly number[]>();
    for (const uid of uids) {
      const pinned = await pinnedOf(connection, uid);
      if (pinned !== null && pinned.dedicated.length > 0) dedicated.set(uid, pinned.dedicated);
    }
    this.#dedicated = dedicated;
    this.#version += 1;
  }

  /** Pins those of these domains that share CPUs to all that nobody has to himself. */
  async repin(
    connection: Pinning,
    uids: readonly string[],
    machine: readonly NumaCellFacts[],
  ): Promise<void> {
    const taken = new Set([...this.#dedicated.values()].flat());
    for (const uid of uids) {
      const pinned = await pinnedOf(connection, uid);
      if (pinned === null || pinned.dedicated.length > 0) continue;
      // One that runs may have been started from a definition with more vCPUs, or with fewer.
      const running = await pinnedOf(connection, uid, { inactive: false });
      const vcpus = Math.max(pinned.vcpus, running?.vcpus ?? 0);
      await pin(connection, uid, { ...pinned, vcpus }, machine, taken);
    }
  }
}

async function pin(
  connection: Pinning,
  uid: string,
  pinned: Pinned,
  machine: readonly NumaCellFacts[],
  taken: ReadonlySet<number>,
): Promise<void> {
  const allowed = (cells: readonly NumaCellFacts[]) =>
    cells.flatMap(({ cores }) => cores.flat()).filter((cpu) => !taken.has(cpu));
  const own = pinned.cells.length === 0 ? machine : machine.filter(({ id }) => pinned.cells.includes(id));
  try {
    for (let vcpu = 0; vcpu < pinned.vcpus; vcpu += 1) {
      const now = pinned.pins.get(vcpu);
      // A vCPU of a guest with several cells stays in the one that it is in.
      const inCell = own.filter(
        ({ cores }) => now !== undefined && cores.flat().some((cpu) => now.includes(cpu)),
      );
      const cpus = allowed(pinned.cells.length > 1 && inCell.length > 0 ? inCell : own);
      if (cpus.length > 0) await connection.domainPinVcpu(uid, vcpu, cpus, { deadlineMs });
    }
    const cpus = allowed(own);
    if (cpus.length > 0) await connection.domainPinEmulator(uid, cpus, { deadlineMs });
  } catch (error) {
    if (!hasCode(error, ErrorCode.NO_DOMAIN)) throw error;
  }
}

/** Null for a domain that has gone. */
async function pinnedOf(
  connection: Pinning,
  uid: string,
  which = { inactive: true },
): Promise<Pinned | null> {
  try {
    return readPinned(await connection.domainXml(uid, which, { deadlineMs }));
  } catch (error) {
    if (hasCode(error, ErrorCode.NO_DOMAIN)) return null;
    throw error;
  }
}
