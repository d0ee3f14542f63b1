/**
 * What use costs. A price is an amount of millionths of the currency's main unit for an hour of one vCPU, one GiB of memory
 * or one GiB of disk; use is counted in milliseconds and MiB. So that nothing is rounded on the way, costs are added up in
 * parts of a millionth, and are divided once, at the end.
 */
import type { Price } from '../tenancy/model.js';
import { ExactSum } from './exact.js';
import type { Use } from './segment.js';

export const hourMs = 3_600_000;
const mibPerGib = 1024;
const percents = 100;

/** Parts in a millionth of the main unit. */
export const partsPerMicro = BigInt(hourMs) * BigInt(mibPerGib) * BigInt(percents);

/** Amounts of use under one price. */
export class Amounts {
  readonly #vcpuMs = new ExactSum();
  readonly #memoryMibMs = new ExactSum();
  readonly #diskMibMs = new ExactSum();
  readonly #stoppedVcpuMs = new ExactSum();
  readonly #stoppedMemoryMibMs = new ExactSum();

  add({ vcpus, memoryMib, diskMib, stopped }: Use, forMs: number): void {
    (stopped ? this.#stoppedVcpuMs : this.#vcpuMs).add(vcpus, forMs);
    (stopped ? this.#stoppedMemoryMibMs : this.#memoryMibMs).add(memoryMib, forMs);
    this.#diskMibMs.add(diskMib, forMs);
  }

  /** Of VMs ordered to run or to be stopped, alike. */
  get vcpuMs(): bigint {
    return this.#vcpuMs.value + this.#stoppedVcpuMs.value;
  }

  get memoryMibMs(): bigint {
    return this.#memoryMibMs.value + this.#stoppedMemoryMibMs.value;
  }

  get diskMibMs(): bigint {
    return this.#diskMibMs.value;
  }

  /** The cost, in parts of a millionth. */
  cost({ vcpuMicros, memoryGibMicros, diskGibMicros, stoppedPercent }: Price): bigint {
    const [whole, stopped] = [BigInt(percents), BigInt(stoppedPercent)];
    const vcpus = (this.#vcpuMs.value * whole + this.#stoppedVcpuMs.value * stopped) * BigInt(vcpuMicros);
    const memory =
      (this.#memoryMibMs.value * whole + this.#stoppedMemoryMibMs.value * stopped) * BigInt(memoryGibMicros);
    const disks = this.#diskMibMs.value * whole * BigInt(diskGibMicros);
    return vcpus * BigInt(mibPerGib) + memory + disks;
  }
}
