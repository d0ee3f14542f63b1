/** O3 and F4: what becomes of disks. Nobody throws one away that is used, or that holds what a VM has written. */
import type { Effect } from '../../../agent/converge/effects.js';
import type { State } from '../../../scheduler/core/state.js';
import type { Machine } from '../machine.js';
import type { Violate } from './violation.js';

export interface VolumeParts {
  violate: Violate;
  /** Where it is not off; machines that have a clone are left out (README.md). */
  activeOn(uid: string): readonly Machine[];
}

export class VolumeRules {
  readonly #parts: VolumeParts;
  /** Of deletions that a scheduler has ordered: host and VM. */
  readonly #deletions = new Set<string>();
  /** VMs that their host has let go of by a word that a restore has forgotten: they may be anywhere (README.md). */
  readonly #lostTrackOf = new Set<string>();
  /** Of words to let go of a VM and to leave its disk where it is. */
  readonly #releases = new Set<string>();
  /** Machine and VM, where its guest has run from a disk of the machine's own. */
  readonly #written = new Set<string>();
  /** VMs that have run from a disk on a shared pool. */
  readonly #writtenOnPool = new Set<string>();

  constructor(parts: VolumeParts) {
    this.#parts = parts;
  }

  /** A scheduler orders a host to delete a VM. */
  onOrdered(machine: Machine, { vms }: State, uid: string): void {
    this.#deletions.add(`${machine.host} ${uid}`);
    const vm = vms.get(uid);
    if (vm?.fault?.reason === 'DELETED_THERE') this.#lostTrackOf.add(uid);
    if (vm === undefined || vm.desired === 'deleted') return;
    if (vm.spec.pool !== '' || vm.host === machine.host)
      this.#parts.violate(
        'O3',
        `${machine.name} is to delete VM ${uid} with its disk, and nobody wants that`,
      );
  }

  /** A scheduler has a host let go of a VM, and not of its disk. */
  onReleased({ host }: Machine, uid: string): void {
    this.#releases.add(`${host} ${uid}`);
  }

  /** libvirt carries something out. */
  onCall(machine: Machine, call: Effect): void {
    if (call.kind === 'start' && machine.fake.volumeExists({ uid: call.uid, poolPath: '' }))
      this.#written.add(`${machine.name} ${call.uid}`);
    const starts = call.kind === 'start' && machine.fake.inspect(call.uid)?.power.kind === 'off';
    if (starts && call.poolPath !== '') this.#writtenOnPool.add(call.uid);
    if (call.kind !== 'trashVolume' && call.kind !== 'removeVolume') return;
    const { violate, activeOn } = this.#parts;
    const { uid, poolPath } = call.volume;
    const key = `${machine.name} ${uid}`;
    if (call.kind === 'trashVolume' && !this.#deletions.has(`${machine.host} ${uid}`))
      violate('O3', `${machine.name} throws the volumes of VM ${uid} away, and nobody has said so`);
    const others = activeOn(uid).filter(({ host }) => host !== machine.host);
    if (poolPath !== '' && others.length > 0 && !this.#lostTrackOf.has(uid))
      violate('F4', `${machine.name} takes the disk of VM ${uid} away, which ${others[0]?.name} runs from`);
    if (!machine.fake.volumeExists(call.volume)) return;
    if (poolPath !== '') {
      if (call.kind === 'trashVolume') this.#writtenOnPool.delete(uid);
      if (call.kind === 'removeVolume' && this.#writtenOnPool.has(uid))
        violate(
          'O3',
          `${machine.name} removes the only disk of VM ${uid}, which has run from it, as one never used`,
        );
      return;
    }
    const isWritten = this.#written.delete(key);
    if (call.kind === 'removeVolume' && isWritten)
      violate(
        'O3',
        `${machine.name} removes the disk of VM ${uid}, which has run from it, as one never used`,
      );
  }

  /** Of a VM that is gone nothing is left, or it is reported, or was to be kept. */
  leftOf({ vms, hosts }: State, made: ReadonlySet<string>, machines: readonly Machine[]): string | null {
    for (const { uid } of machines[0]?.fake.shared?.values() ?? [])
      if (made.has(uid) && !vms.has(uid) && !this.#lostTrackOf.has(uid))
        return `VM ${uid} is deleted, and its disk is on its pool`;
    for (const machine of machines) {
      const orphans = hosts.get(machine.host)?.orphans ?? [];
      for (const { uid, file } of machine.fake.listVolumes()) {
        const isGone = made.has(uid) && !vms.has(uid) && machine.fake.inspect(uid) === null;
        if (this.#releases.has(`${machine.host} ${uid}`)) continue;
        if (isGone && !orphans.some((orphan) => orphan.includes(file)))
          return `VM ${uid} is deleted, and ${machine.name} has its disk and does not say so`;
      }
    }
    return null;
  }
}
