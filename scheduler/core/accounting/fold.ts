/**
 * The journal read for accounting: changes in, segments of use out. It knows nothing but what the changes say, so that
 * whoever has the journal comes to the same result.
 *
 * A VM counts from when a host has it until none has it or it is removed, whatever it is seen to do there: one that failed
 * and that no host has costs nothing, one on a host that was lost does. It counts with the size that it is ordered to
 * have, from the moment of that decision (`vm.resized`).
 */
import type { Change } from '../changes.js';
import { must } from './must.js';
import { Agreements } from './agreements.js';
import { type CountedVm, emptyLedger, type Ledger } from './ledger.js';
import type { Use } from './segment.js';

/** Is told of each segment when it ends, in the order of ends. The use is valid during the call only. */
export type SegmentSink = (use: Use, fromMs: number, toMs: number) => void;

/** The changes that accounting reads; all others say nothing about use. */
export const countedTypes = [
  'site.created',
  'site.deleted',
  'administration.created',
  'administration.moved',
  'administration.deleted',
  'partner.set',
  'partner.deleted',
  'agreement.set',
  'agreement.deleted',
  'host.joined',
  'vm.created',
  'vm.resized',
  'vm.desired',
  'vm.placed',
  'vm.move',
  'vm.unplaced',
  'vm.adopted',
  'vm.parked',
  'vm.displaced',
  'vm.returned',
  'vm.removed',
] as const satisfies readonly Change['type'][];

export type CountedChange = Extract<Change, { type: (typeof countedTypes)[number] }>;
type VmChange = Extract<CountedChange, { type: `vm.${string}` }>;

export class Fold {
  readonly #sink: SegmentSink;
  readonly #agreements: Agreements;

  /** Goes on from a ledger, which becomes its own. */
  constructor(
    sink: SegmentSink,
    readonly ledger: Ledger = emptyLedger(),
  ) {
    this.#sink = sink;
    this.#agreements = new Agreements(ledger, (vm, atMs) => this.#cut(vm, atMs));
  }

  /** Whether an administration is another one, or below it, at the time that was reached. */
  isWithin(administration: string, top: string): boolean {
    return this.ledger.homes.isWithin(administration, top);
  }

  /** Whether the journal, as far as it was read, has made such an administration. */
  hasSeen(administration: string): boolean {
    return this.ledger.everSeen.has(administration);
  }

  apply(change: CountedChange, atMs: number): void {
    if (atMs < this.ledger.lastMs) throw new Error(`the journal goes back in time at ${atMs}`);
    this.ledger.lastMs = atMs;
    switch (change.type) {
      case 'site.created': {
        const { id, country, partner } = change.site;
        this.ledger.sites.set(id, { country, partner });
        this.ledger.homes.apply(change);
        this.#agreements.homesChanged(atMs);
        return;
      }
      case 'site.deleted':
        this.ledger.sites.delete(change.id);
        return;
      case 'host.joined':
        this.ledger.siteOfHost.set(change.host.id, change.host.site);
        return;
      case 'administration.created':
        this.ledger.everSeen.add(change.administration.id);
        this.ledger.homes.apply(change);
        this.#agreements.homesChanged(atMs, change.administration.id);
        return;
      case 'administration.moved':
        // Whoever asks for the use of a subtree has it up to here, or from here on.
        for (const vm of this.ledger.vms.values()) {
          if (this.isWithin(vm.administration, change.id)) this.#cut(vm, atMs);
        }
        this.ledger.homes.apply(change);
        this.#agreements.homesChanged(atMs);
        return;
      case 'administration.deleted':
        this.ledger.homes.apply(change);
        this.#agreements.homesChanged(atMs, change.id);
        return;
      case 'partner.set':
      case 'partner.deleted':
        this.ledger.homes.apply(change);
        this.#agreements.homesChanged(atMs);
        return;
      case 'agreement.set':
        this.#agreements.set(change.agreement, atMs);
        return;
      case 'agreement.deleted':
        this.#agreements.delete(change);
        return;
      default:
        this.#applyToVm(change satisfies VmChange, atMs);
    }
  }

  /** Ends what is still there, at a time that no change was before. */
  close(atMs: number): void {
    for (const vm of this.ledger.vms.values()) this.#cut(vm, atMs);
  }

  #applyToVm(change: VmChange, atMs: number): void {
    if (change.type === 'vm.created') {
      const { uid, administration, id, spec, desired, host, displacedFor, parked, agreement } = change.vm;
      const { vcpus, memoryMib, diskMib } = spec;
      const made: CountedVm = {
        uid,
        administration,
        vm: id,
        vcpus,
        memoryMib,
        diskMib,
        stopped: desired === 'stopped',
        gaveUp: displacedFor !== undefined || parked === true,
        place: null,
        account: null,
        sinceMs: atMs,
      };
      this.ledger.vms.set(uid, made);
      if (host !== null) this.#move(made, host, agreement, change);
      return;
    }
    const vm = must(this.ledger.vms.get(change.uid), change);
    switch (change.type) {
      case 'vm.resized': {
        const { vcpus, memoryMib, diskMib } = change.spec;
        if (vm.vcpus === vcpus && vm.memoryMib === memoryMib && vm.diskMib === diskMib) return;
        this.#cut(vm, atMs);
        vm.vcpus = vcpus;
        vm.memoryMib = memoryMib;
        vm.diskMib = diskMib;
        return;
      }
      case 'vm.desired': {
        // An order to delete leaves it as it is until it is gone.
        const stopped = change.desired === 'deleted' ? vm.stopped : change.desired === 'stopped';
        if (vm.stopped !== stopped) this.#cut(vm, atMs);
        vm.stopped = stopped;
        return;
      }
      case 'vm.displaced':
      case 'vm.parked':
      case 'vm.returned': {
        const gaveUp = change.type !== 'vm.returned';
        if (vm.gaveUp !== gaveUp) this.#cut(vm, atMs);
        vm.gaveUp = gaveUp;
        return;
      }
      case 'vm.placed':
      case 'vm.adopted': {
        const { host, agreement } = change;
        const there = vm.place?.host === host && vm.place.site === this.ledger.siteOfHost.get(host);
        if (there && vm.account?.terms.agreement === agreement && !vm.gaveUp) return;
        this.#cut(vm, atMs);
        this.#leave(vm);
        vm.gaveUp = false;
        this.#move(vm, host, agreement, change);
        return;
      }
      case 'vm.move': {
        if (change.agreement === undefined) return;
        this.#cut(vm, atMs);
        vm.account?.vms.delete(vm);
        this.#account(vm, change.agreement ?? undefined, change);
        return;
      }
      case 'vm.unplaced':
        this.#cut(vm, atMs);
        this.#leave(vm);
        vm.gaveUp = false;
        return;
      case 'vm.removed':
        this.#cut(vm, atMs);
        this.#leave(vm);
        this.ledger.vms.delete(vm.uid);
    }
  }

  #move(vm: CountedVm, host: string, agreement: string | undefined, change: Change): void {
    const site = must(this.ledger.siteOfHost.get(host), change);
    vm.place = { host, site, ...must(this.ledger.sites.get(site), change) };
    this.#account(vm, agreement, change);
  }

  #account(vm: CountedVm, agreement: string | undefined, change: Change): void {
    vm.account = agreement === undefined ? null : must(this.#agreements.get(agreement), change);
    vm.account?.vms.add(vm);
  }

  #leave(vm: CountedVm): void {
    vm.account?.vms.delete(vm);
    vm.account = null;
    vm.place = null;
  }

  /** What was so until now is a segment; something else begins. */
  #cut(vm: CountedVm, atMs: number): void {
    const { place, sinceMs, gaveUp } = vm;
    vm.sinceMs = atMs;
    if (place === null || atMs <= sinceMs) return;
    const use: Use = {
      uid: vm.uid,
      administration: vm.administration,
      vm: vm.vm,
      place,
      terms: vm.account?.terms ?? null,
      vcpus: gaveUp ? 0 : vm.vcpus,
      memoryMib: gaveUp ? 0 : vm.memoryMib,
      diskMib: vm.diskMib,
      stopped: vm.stopped,
    };
    this.#sink(use, sinceMs, atMs);
  }
}
