/** The part of the plain oracle that knows of NUMA cells, hugepages and dedicated CPUs. */
import type { Host, NumaCell, Vm } from '../../../../scheduler/core/model.js';
import type { View } from './plain-oracle.js';

interface Room {
  vcpus: number;
  memoryMib: number;
}

const sum = (values: number[]) => values.reduce((all, one) => all + one, 0);
const poolMib = ({ hugepages }: NumaCell, kib: number) =>
  sum(
    hugepages.filter(({ sizeKib }) => sizeKib === kib).map(({ sizeKib, count }) => (sizeKib * count) / 1024),
  );

export class LayoutView {
  constructor(readonly view: View) {}

  /** Whether VMs hold more of its whole CPUs, hugepages or cells than there is. */
  isShort(host: Host): boolean {
    const { cells = [] } = host.capacity;
    const vms = this.view.on(host).filter((vm) => vm.displacedFor === undefined && vm.parked !== true);
    const isDedicated = ({ spec }: Vm) => spec.numa?.dedicatedCpus === true;
    if (vms.some(isDedicated) && this.dedicable(host, host.capacity.vcpus, vms, 1) < 0) return true;
    const held = (some: Vm[], of: (vm: Vm) => number) => sum(some.map((vm) => of(vm)));
    const sizes = vms.flatMap(({ spec }) => spec.hugepageKib ?? []);
    const ofSize = (some: Vm[], kib: number) => some.filter(({ spec }) => (spec.hugepageKib ?? 0) === kib);
    const tooFew = sizes.some(
      (kib) =>
        sum(cells.map((cell) => poolMib(cell, kib))) < held(ofSize(vms, kib), ({ spec }) => spec.memoryMib),
    );
    const bound = (id: number) => vms.filter(({ numaCells }) => numaCells?.includes(id));
    const ids = vms.flatMap(({ numaCells }) => numaCells ?? []);
    if (tooFew || ids.some((id) => cells.every((cell) => cell.id !== id))) return true;
    return cells.some((cell) => {
      const here = bound(cell.id);
      const cpus = ({ spec }: Vm) => spec.vcpus / (spec.numa?.cells ?? 1);
      const memory = ({ spec }: Vm) => spec.memoryMib / (spec.numa?.cells ?? 1);
      const left = cell.cpus - held(here.filter(isDedicated), cpus);
      const sharing = here.filter((vm) => !isDedicated(vm));
      const tight =
        sharing.length > 0 && Math.floor((left * this.view.percent(host)) / 100) < held(sharing, cpus);
      const want = (kib: number) => held(ofSize(here, kib), memory);
      const pools = sizes.some((kib) => want(kib) > poolMib(cell, kib));
      return left < 0 || tight || want(0) > cell.memoryMib || pools;
    });
  }

  /** What the host has altogether for the request, by which hosts are compared. */
  room(host: Host): Room {
    const { layout } = this.view.request;
    const whole = this.whole(host);
    if (layout === undefined || layout.cells === 0) return whole;
    const nth = (values: number[]) => values.sort((a, b) => b - a)[layout.cells - 1] ?? -1;
    const rooms = (host.capacity.cells ?? []).map((cell) => this.ofCell(host, cell));
    return {
      vcpus: Math.min(whole.vcpus, layout.cells * nth(rooms.map(({ vcpus }) => vcpus))),
      memoryMib: Math.min(whole.memoryMib, layout.cells * nth(rooms.map(({ memoryMib }) => memoryMib))),
    };
  }

  lacksHugepages(host: Host): boolean {
    const { layout } = this.view.request;
    return layout !== undefined && layout.hugepageKib > 0 && this.whole(host).memoryMib < layout.memoryMib;
  }

  lacksDedicatedCpus(host: Host): boolean {
    const { layout } = this.view.request;
    return layout?.dedicatedCpus === true && this.whole(host).vcpus < layout.vcpus;
  }

  lacksCells(host: Host): boolean {
    const { layout } = this.view.request;
    if (layout === undefined) return false;
    const { vcpus, memoryMib } = this.whole(host);
    const isEnough = vcpus >= layout.vcpus && memoryMib >= layout.memoryMib;
    return isEnough && this.fitting(host).length < layout.cells;
  }

  /** The best of the cells that fit. */
  cells(host: Host): number[] {
    const { layout } = this.view.request;
    const best = this.fitting(host).sort((a, b) => {
      const [one, other] = [this.ofCell(host, a), this.ofCell(host, b)];
      return one.memoryMib - other.memoryMib || one.vcpus - other.vcpus || a.id - b.id;
    });
    const ids = best.slice(0, layout?.cells ?? 0).map(({ id }) => id);
    return ids.sort((a, b) => a - b);
  }

  fitting(host: Host): NumaCell[] {
    const { layout } = this.view.request;
    if (layout === undefined) return [];
    return (host.capacity.cells ?? []).filter((cell) => {
      const { vcpus, memoryMib } = this.ofCell(host, cell);
      return vcpus * layout.cells >= layout.vcpus && memoryMib * layout.cells >= layout.memoryMib;
    });
  }

  whole(host: Host): Room {
    const { layout } = this.view.request;
    const { vcpus, memoryMib } = this.view.free(host);
    const vms = this.view.on(host).filter(({ displacedFor }) => displacedFor === undefined);
    return {
      vcpus: layout?.dedicatedCpus ? this.dedicable(host, host.capacity.vcpus, vms, 1) : vcpus,
      memoryMib:
        layout === undefined || layout.hugepageKib === 0
          ? memoryMib
          : sum((host.capacity.cells ?? []).map((cell) => poolMib(cell, layout.hugepageKib))) -
            sum(
              vms
                .filter(({ spec }) => spec.hugepageKib === layout.hugepageKib)
                .map(({ spec }) => spec.memoryMib),
            ),
    };
  }

  ofCell(host: Host, cell: NumaCell): Room {
    const { layout } = this.view.request;
    const bound = this.view.on(host).filter(({ numaCells }) => numaCells?.includes(cell.id));
    const part = (vm: Vm, amount: number) => amount / (vm.spec.numa?.cells ?? 1);
    const whole = bound.filter(({ spec }) => spec.numa?.dedicatedCpus);
    const shared = bound.filter(({ spec }) => !spec.numa?.dedicatedCpus);
    const kib = layout?.hugepageKib ?? 0;
    const ofMemory = bound.filter(({ spec }) => (spec.hugepageKib ?? 0) === kib);
    const free = cell.cpus - sum(whole.map((vm) => part(vm, vm.spec.vcpus)));
    return {
      vcpus: layout?.dedicatedCpus
        ? this.dedicable(host, cell.cpus, bound, undefined)
        : Math.floor((free * this.view.percent(host)) / 100) -
          sum(shared.map((vm) => part(vm, vm.spec.vcpus))),
      memoryMib:
        (kib === 0 ? cell.memoryMib : poolMib(cell, kib)) -
        sum(ofMemory.map((vm) => part(vm, vm.spec.memoryMib))),
    };
  }

  /** One CPU after the other is dedicated, as long as the others carry what shares them. */
  dedicable(host: Host, cpus: number, vms: Vm[], parts: number | undefined): number {
    const part = ({ spec }: Vm) => spec.vcpus / (parts ?? spec.numa?.cells ?? 1);
    const taken = sum(vms.filter(({ spec }) => spec.numa?.dedicatedCpus).map(part));
    const shared = sum(vms.filter(({ spec }) => !spec.numa?.dedicatedCpus).map(part));
    let left = cpus - taken;
    if (Math.floor((left * this.view.percent(host)) / 100) < shared) return -1;
    let count = 0;
    while (left > 0 && Math.floor(((left - 1) * this.view.percent(host)) / 100) >= shared) {
      left -= 1;
      count += 1;
    }
    return left < 0 ? -1 : count;
  }
}
