/** O2: no two hosts are given the same term of a VM, not even one that was only promised. */
import type { Change } from '../../../scheduler/core/changes.js';
import type { State } from '../../../scheduler/core/state.js';
import type { Violate } from './violation.js';

export class TermRules {
  /** The host, by VM and term. */
  readonly #given = new Map<string, string>();

  constructor(
    private readonly state: State,
    private readonly violate: Violate,
  ) {}

  /** After a change counts. What is adopted was given by a journal that is lost, and is not judged. */
  note(change: Change, judges: boolean): void {
    const uid = change.type === 'vm.created' ? change.vm.uid : 'uid' in change ? change.uid : '';
    const vm = this.state.vms.get(uid);
    if (vm === undefined) return;
    if (change.type === 'vm.move') {
      this.#give(uid, vm.move?.term, vm.move?.peer, judges);
      if (change.term !== undefined) this.#give(uid, change.term, vm.host, judges);
    } else if (change.type === 'vm.created' || change.type === 'vm.placed' || change.type === 'vm.adopted')
      this.#give(uid, vm.term, vm.host, judges && change.type !== 'vm.adopted');
  }

  #give(uid: string, term: number | undefined, host: string | null | undefined, judges: boolean): void {
    if (term === undefined || host == null) return;
    const key = `${uid} ${term}`;
    const other = this.#given.get(key);
    if (judges && other !== undefined && other !== host)
      this.violate('O2', `${host} is given term ${term} of VM ${uid}, which ${other} was given before`);
    this.#given.set(key, host);
  }
}
