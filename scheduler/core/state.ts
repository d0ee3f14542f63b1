/**
 * Everything that the scheduler knows, in memory, with the indexes that decisions need. The entities are the truth
 * and go to the store; the indexes (who is on which host, what is claimed, names) are rebuilt from them.
 *
 * Only `apply` writes here. `touched` collects what it wrote since the last commit, so that the store can save just
 * that, and watchers hear of just that.
 */
import { Access } from './access/access.js';
import { Alike } from './alike.js';
import { AuditNumbers } from './audit/numbers.js';
import { poolRevision } from './etag.js';
import { Fifo } from './fifo.js';
import { rowsOf } from './host-rows.js';
import { HostTable } from './host-table.js';
import { Groups } from './placement/groups.js';
import { Offers } from './placement/offers.js';
import { strategies, type Strategy } from './placement/scorers/index.js';
import { type Layout, layoutOf } from './placement/numa/layout.js';
import type { Place } from './placement/placement.js';
import type { PlacementRequest } from './placement/request.js';
import type {
  Administration,
  Extras,
  Federation,
  Host,
  Image,
  Move,
  Operation,
  Resources,
  Site,
  StoragePool,
  Vm,
  VmPlacement,
  VmSpec,
} from './model.js';
import { Moving } from './moves/moving.js';
import { ShardedMap } from './sharded-map.js';
import { largerOf } from './sizes.js';
import { Touched } from './touched.js';
import { defaultClass } from './tenancy/residency.js';
import type { Held } from './tenancy/holdings.js';
import { Tenancy } from './tenancy/tenancy.js';
import { VmOrder } from './vm-order.js';
import { VmStates } from './vm-states.js';
import { byHost, VmsOfHosts } from './vms-of-hosts.js';

export class State {
  federation: Federation = {
    name: '',
    epoch: { incarnation: 0, counter: 0, instance: '' },
    recoveringSites: [],
    recoveryReason: '',
  };
  /** Counts decisions that changed something; the journal's sequence. */
  sequence = 0;
  /** The newest time that the journal carries. */
  lastMs = 0;
  readonly sites = new Map<string, Site>();
  readonly administrations = new Map<string, Administration>();
  /** Those that are suspended themselves. */
  readonly suspended = new Set<string>();
  /** The catalogue by id: images that new VMs can name. */
  readonly images = new Map<string, Image>();
  /** Every image that exists or that a VM was made from. */
  readonly imagesByUid = new Map<string, Image>();
  readonly imageUse = new Map<string, number>();
  readonly pools = new Map<string, StoragePool>();
  readonly poolClaimedMib = new Map<string, number>();
  readonly hosts = new Map<string, Host>();
  /** Those that have told of orphans. */
  readonly orphanHosts = new Set<string>();
  readonly hostTable: HostTable;
  /** Which hosts placement may use. */
  readonly offers: Offers;
  readonly groups = new Groups();
  /** Quotas, residency and agreements, with what is held under them. */
  readonly tenancy: Tenancy;
  /** Who may call. */
  readonly access = new Access();
  /** How many decisions have concerned whom. */
  readonly audit = new AuditNumbers();
  /** Sites that keep failover room. */
  readonly sitesKeepingRoom = new Set<string>();
  readonly vms = new ShardedMap<Vm>(({ uid }) => uid);
  readonly vmOrder = new VmOrder();
  /** In which states they are seen. */
  readonly vmStates = new VmStates();
  /** By administration, then by id. */
  readonly #vmByName = new Map<string, ShardedMap<Vm>>();
  readonly #vmsOfHosts = new VmsOfHosts();
  /** VMs on their way between two hosts. */
  readonly moving = new Moving();
  readonly #vmCountOfAdministration = new Map<string, number>();
  readonly operations = new Map<string, Operation>();
  /** Ids of those that have ended, the longest ago first. */
  readonly endedOperations = new Fifo<string>();
  /** What VMs and hosts share with one another. */
  readonly alike = new Alike();
  touched = new Touched();

  /** By which strategy placement chooses among the hosts that can take a VM; it is no part of what is kept. */
  constructor(readonly strategy: Strategy = 'pack') {
    this.hostTable = new HostTable({
      scorer: strategies[strategy],
      vcpuPercent: (host) =>
        host.vcpuOvercommitPercent ?? this.sites.get(host.site)?.vcpuOvercommitPercent ?? 100,
      changed: (row) => this.offers.siteRooms.claimed(row),
    });
    this.offers = new Offers(this);
    this.tenancy = new Tenancy(this);
  }

  vmByName(administration: string, id: string): Vm | undefined {
    return this.#vmByName.get(administration)?.get(id);
  }

  vmsOfHost(host: string): ReadonlySet<Vm> {
    return this.#vmsOfHosts.of(host);
  }

  vmCountOfHost(host: string): number {
    return this.#vmsOfHosts.count(host);
  }

  /** What its own VMs hold that have a host. */
  claimOfAdministration(id: string): Readonly<Resources> {
    const { vcpus, memoryMib, diskMib, vms } = this.tenancy.heldBy(id);
    return { vcpus, memoryMib, diskMib, vms };
  }

  /** The VMs of an administration and of those below it. */
  *vmsWithin(ancestor: string): Iterable<Vm> {
    for (const [administration, vms] of this.#vmByName) {
      if (this.isWithin(administration, ancestor)) yield* vms.values();
    }
  }

  /** How many VMs it has itself, with or without a host. */
  vmCountOfAdministration(id: string): number {
    return this.#vmCountOfAdministration.get(id) ?? 0;
  }

  /** Hands over what was written since the last call. */
  takeTouched(): Touched {
    const touched = this.touched;
    this.touched = new Touched();
    return touched;
  }

  /** What it has in common with others it shares already. */
  addHost(host: Host): void {
    this.hosts.set(host.id, host);
    this.hostTable.add(host);
    this.offers.host(host);
    this.#noteOffer(host);
    this.#noteOrphans(host);
  }

  /** By id, from after this one on; all for null. Not to be kept across changes. */
  *hostsAfter(id: string | null): Generator<Host> {
    const { hosts, index } = this.hostTable;
    for (const row of index.order.after(id)) yield hosts[row] as Host;
  }

  addAdministration(administration: Administration): void {
    this.administrations.set(administration.id, administration);
    this.noteSuspension(administration);
    this.tenancy.hangAdministration(administration.id, administration.parent);
  }

  /** To be called after its parent has changed: hosts may be dedicated to those above it, and quotas count it. */
  moveAdministration({ id, parent }: Administration): void {
    this.tenancy.hangAdministration(id, parent);
    this.offers.profiles.forgetMasks();
  }

  /** To be called after it has been suspended or resumed. */
  noteSuspension({ id, suspended }: Administration): void {
    if (suspended === true) this.suspended.add(id);
    else this.suspended.delete(id);
  }

  removeAdministration(id: string): void {
    this.administrations.delete(id);
    this.suspended.delete(id);
    this.tenancy.removeAdministration(id);
  }

  addSite(site: Site): void {
    this.sites.set(site.id, site);
    this.tenancy.siteChanged(site.id);
    this.#noteRoom(site);
  }

  removeSite(id: string): void {
    this.sites.delete(id);
    this.sitesKeepingRoom.delete(id);
    this.tenancy.siteChanged(id);
  }

  /** To be called after a host has changed: what it offers, and to whom, follows from it. */
  refreshHost(host: Host): void {
    this.hostTable.refresh(host);
    this.offers.host(host);
    this.#noteOffer(host);
    this.#noteOrphans(host);
  }

  #noteOrphans({ id, orphans }: Host): void {
    if (orphans.length > 0) this.orphanHosts.add(id);
    else this.orphanHosts.delete(id);
  }

  #noteOffer(host: Host): void {
    const row = this.hostTable.row(host.id) as number;
    const capacity = host.state === 'retired' ? null : this.hostTable.capacity(host);
    this.tenancy.hostOffers(row, this.sites.get(host.site), capacity);
  }

  /** To be called after a site has changed. */
  refreshSite(site: Site): void {
    this.tenancy.siteChanged(site.id);
    this.#noteRoom(site);
    this.offers.profiles.forgetMasks();
    for (const host of this.hosts.values()) if (host.site === site.id) this.refreshHost(host);
  }

  #noteRoom(site: Site): void {
    if (site.keepFailoverRoom) this.sitesKeepingRoom.add(site.id);
    else this.sitesKeepingRoom.delete(site.id);
  }

  /** Whether an administration is `ancestor` or below it. */
  isWithin(administration: string, ancestor: string): boolean {
    for (
      let at: string | null = administration;
      at !== null;
      at = this.administrations.get(at)?.parent ?? null
    ) {
      if (at === ancestor) return true;
    }
    return false;
  }

  addPool(pool: StoragePool): void {
    this.pools.set(pool.id, pool);
    this.offers.addPool(pool);
  }

  updatePool(pool: StoragePool, { hosts, capacityMib }: Pick<StoragePool, 'hosts' | 'capacityMib'>): void {
    this.offers.removePool(pool);
    pool.hosts = hosts;
    pool.capacityMib = capacityMib;
    pool.revision = poolRevision(pool) + 1;
    this.offers.addPool(pool);
  }

  removePool(pool: StoragePool): void {
    this.pools.delete(pool.id);
    this.offers.removePool(pool);
  }

  addImage(image: Image): void {
    if (!image.deleted) this.images.set(image.id, image);
    this.imagesByUid.set(image.uid, image);
  }

  /** Puts a VM into every index, and takes what it claims. */
  addVm(vm: Vm): void {
    this.alike.vm(vm);
    this.vms.set(vm);
    this.vmOrder.add(vm);
    this.#namesOf(vm.administration).set(vm);
    this.#noteVm(vm);
    this.claim(vm);
  }

  /**
   * As `addVm` of each, where there are no VMs yet, in the order of their creation. They are gone through in their order,
   * in which they lie in memory. What they have in common they share already.
   */
  addVms(vms: readonly Vm[]): void {
    this.vms.found(vms);
    this.vmOrder.addAll(vms);
    const byAdministration = new Map<string, Vm[]>();
    const rows = rowsOf(vms, this.hostTable);
    // A host that was retired may be on a site that is gone; no VM is on it.
    const siteOfRow = this.hostTable.hosts.map(({ site }) => this.sites.get(site) as Site);
    this.offers.claimTogether(() => {
      for (let index = 0; index < vms.length; index += 1) {
        const vm = vms[index] as Vm;
        const others = byAdministration.get(vm.administration);
        if (others === undefined) byAdministration.set(vm.administration, [vm]);
        else others.push(vm);
        this.#noteVm(vm);
        if (vm.host === null) continue;
        const row = rows[index] as number;
        this.#claim(vm, row, siteOfRow[row] as Site, 1);
        if (vm.move !== undefined) this.#claimPeer(vm, vm.move, 1);
      }
    });
    for (const [id, some] of byAdministration) this.#namesOf(id).found(some);
    for (const [host, some] of byHost(vms, rows, this.hostTable)) this.#vmsOfHosts.found(host, some);
    this.hostTable.index.reconsider();
  }

  /** Makes indexes that a start has left for later, a little in each step; they work all the same. */
  *settling(): Generator<void> {
    yield* this.vms.settling();
    for (const named of this.#vmByName.values()) yield* named.settling();
  }

  /** The VMs of an administration by their ids. */
  #namesOf(administration: string): ShardedMap<Vm> {
    let named = this.#vmByName.get(administration);
    if (named === undefined) {
      named = new ShardedMap(idOf);
      this.#vmByName.set(administration, named);
    }
    return named;
  }

  #noteVm(vm: Vm): void {
    this.vmStates.add(vm);
    this.imageUse.set(vm.spec.imageUid, (this.imageUse.get(vm.spec.imageUid) ?? 0) + 1);
    this.#countVm(vm, 1);
  }

  removeVm(vm: Vm): void {
    this.unclaim(vm);
    this.vmStates.remove(vm);
    this.#countVm(vm, -1);
    this.vms.delete(vm.uid);
    this.vmOrder.remove(vm);
    this.#vmByName.get(vm.administration)?.delete(vm.id);
    const uses = (this.imageUse.get(vm.spec.imageUid) ?? 1) - 1;
    if (uses > 0) this.imageUse.set(vm.spec.imageUid, uses);
    else this.imageUse.delete(vm.spec.imageUid);
  }

  /** Takes what the VM's specification says, on the host that it has. */
  claim(vm: Vm): void {
    if (vm.host === null) return;
    this.#claimAtOwner(vm, vm.host, 1);
    this.#vmsOfHosts.add(vm.host, vm);
    if (vm.move !== undefined) this.#claimPeer(vm, vm.move, 1);
  }

  /** Returns what `claim` took; to be called before host or specification change. */
  unclaim(vm: Vm): void {
    if (vm.host === null) return;
    this.#claimAtOwner(vm, vm.host, -1);
    this.#vmsOfHosts.remove(vm.host, vm);
    if (vm.move !== undefined) this.#claimPeer(vm, vm.move, -1);
  }

  #countVm(vm: Vm, by: 1 | -1): void {
    const count = this.vmCountOfAdministration(vm.administration) + by;
    if (count === 0) {
      this.#vmCountOfAdministration.delete(vm.administration);
      this.#vmByName.delete(vm.administration);
    } else this.#vmCountOfAdministration.set(vm.administration, count);
  }

  /**
   * Takes of a host what a request needs (`sign` 1), or gives it back, for as long as a decision takes: which VM it is
   * for is not noted, but when it is created.
   */
  claimRequest(
    { host, numaCells, agreement }: Omit<Place, 'row'>,
    request: PlacementRequest,
    createdMs: number,
    sign: 1 | -1,
  ): void {
    const { administration, needs, extras, layout, placement, holds } = request;
    const row = this.hostTable.rowOf(host.id);
    this.#claimOnHost(row, administration, needs, placement, createdMs, sign);
    this.#claimSpecial(row, extras, layout, numaCells, sign);
    this.tenancy.claim(administration, this.siteOf(host), holds, agreement, undefined, sign);
  }

  siteOf(host: Host): Site {
    const site = this.sites.get(host.site);
    if (site === undefined) throw new Error(`host ${host.id} is on unknown site ${host.site}`);
    return site;
  }

  /** What most VMs claim nothing of. */
  #claimSpecial(
    row: number,
    extras: Extras | undefined,
    layout: Layout | undefined,
    numaCells: readonly number[] | undefined,
    sign: 1 | -1,
  ): void {
    if (extras !== undefined) this.hostTable.extras.claim(row, extras, sign);
    if (layout !== undefined) this.hostTable.claimLayout(row, layout, numaCells ?? [], sign);
    if (extras !== undefined || layout !== undefined) this.offers.claimed(row);
  }

  #claimOnHost(
    row: number,
    administration: string,
    needs: Resources,
    placement: VmPlacement,
    createdMs: number,
    sign: 1 | -1,
  ): void {
    this.hostTable.claimRow(row, needs, createdMs, sign);
    const { freeVcpus, freeDiskMib } = this.hostTable;
    const isTight = (freeVcpus[row] as number) < 0 || (freeDiskMib[row] as number) < 0;
    if (isTight || this.offers.isShort(row)) this.offers.claimed(row);
    if (placement.groups === undefined) return;
    this.groups.count(administration, placement, this.hostTable.hosts[row] as Host, sign);
  }

  /**
   * What a VM that moves holds of the other host: what its specification says, whatever size its domain has here, and of that
   * quotas and pools count nothing (PROTOCOL O5).
   */
  #claimPeer(vm: Vm, { peer, numaCells }: Move, sign: 1 | -1): void {
    const row = this.hostTable.rowOf(peer);
    this.#claimOnHost(row, vm.administration, heldOnPeer(vm), vm.placement, vm.createdMs, sign);
    this.#claimSpecial(row, vm.spec.extras, layoutOf(vm.spec), numaCells, sign);
    if (sign === 1) this.moving.add(vm, peer);
    else this.moving.remove(vm, peer);
  }

  #claimAtOwner(vm: Vm, host: string, sign: 1 | -1): void {
    const row = this.hostTable.rowOf(host);
    this.#claim(vm, row, this.siteOf(this.hostTable.hosts[row] as Host), sign);
  }

  #claim(vm: Vm, row: number, site: Site, sign: 1 | -1): void {
    const needs = heldBy(vm);
    const { pool, extras, hugepageKib } = vm.spec;
    this.#claimOnHost(row, vm.administration, heldOnHost(vm), vm.placement, vm.createdMs, sign);
    this.#claimSpecial(row, extras, layoutOf(heldSpec(vm)), vm.numaCells, sign);
    // Only what is there counts: what a decision claims for a while must not change the next one.
    if (hugepageKib === undefined) this.hostTable.index.note(needs, sign);
    if (pool !== '') {
      const claimed = this.poolClaimedMib.get(pool) ?? 0;
      this.poolClaimedMib.set(pool, claimed + sign * needs.diskMib);
    }
    const { administration, agreement, dataClass = defaultClass } = vm;
    this.tenancy.claim(administration, site, heldWithExtras(vm), agreement, dataClass, sign);
  }
}

const idOf = ({ id }: Vm) => id;

/** What a VM of this specification needs altogether. */
export function needsOf(spec: VmSpec): Resources {
  return { vcpus: spec.vcpus, memoryMib: spec.memoryMib, diskMib: spec.diskMib, vms: 1 };
}

/**
 * The specification in the size that a VM holds: while its domain has, or may have, another size than it should have,
 * the larger of both, each resource by itself.
 */
export function heldSpec({ spec, sizeBefore }: Pick<Vm, 'spec' | 'sizeBefore'>): VmSpec {
  return sizeBefore === undefined ? spec : { ...spec, ...largerOf(spec, sizeBefore) };
}

/** What a VM holds: one that has given up its room holds nothing but its disk and its place among the host's VMs. */
export function heldBy(vm: Vm): Resources {
  return lessGivenUp(vm, needsOf(heldSpec(vm)));
}

/** What of it is of the host itself. */
export function heldOnHost(vm: Vm): Resources {
  return lessGivenUp(vm, needsOnHost(heldSpec(vm)));
}

/** What of the other host itself a VM holds that moves there. */
export function heldOnPeer(vm: Vm): Resources {
  return lessGivenUp(vm, needsOnHost(vm.spec));
}

function lessGivenUp(vm: Vm, needs: Resources): Resources {
  return hasGivenUp(vm) ? { ...needs, vcpus: 0, memoryMib: 0 } : needs;
}

/** Whether it is stopped, and has given up its vCPUs and its memory until it starts. */
export function hasGivenUp({ displacedFor, parked }: Vm): boolean {
  return displacedFor !== undefined || parked === true;
}

/** As quotas count it. */
export function heldWithExtras(vm: Vm): Held {
  const { extras } = vm.spec;
  return extras === undefined ? heldBy(vm) : { ...heldBy(vm), extras };
}

/**
 * What of its needs the host itself must have free: a disk on a shared pool is claimed there instead, memory of hugepages
 * in their pool, and CPUs that are dedicated apart from those that are shared.
 */
export function needsOnHost(spec: VmSpec): Resources {
  const needs = needsOf(spec);
  if (spec.pool !== '') needs.diskMib = 0;
  if (spec.hugepageKib !== undefined) needs.memoryMib = 0;
  if (spec.numa?.dedicatedCpus === true) needs.vcpus = 0;
  return needs;
}
