/** Operations: one at a time for each VM (O6), and one that has succeeded has done what it was to do. */
import type { By } from '../../../scheduler/core/audit/line.js';
import type { Change } from '../../../scheduler/core/changes.js';
import type { Operation, Vm } from '../../../scheduler/core/model.js';
import type { State } from '../../../scheduler/core/state.js';
import { plainTenancyOf } from '../../scheduler/core/tenancy-laws.js';
import type { Violate } from './violation.js';

const linkMethod = 'secovia.v1.AgentService/Link';
const startMethod = 'secovia.v1.VmService/StartVm';

type ChangeOf<T extends Change['type']> = Extract<Change, { type: T }>;

/** What callers order. */
const orders: ReadonlySet<Change['type']> = new Set([
  'vm.desired',
  'vm.resized',
  'vm.reboot_ordered',
  'vm.updated',
  'vm.placed',
  'vm.move',
]);

export class OperationRules {
  /** Where each VM was when its move was ordered, by the operation. */
  readonly #from = new Map<string, string | null>();

  /** Operations of which something has failed. */
  readonly #failed = new Set<string>();

  constructor(
    private readonly state: State,
    private readonly violate: Violate,
  ) {}

  /** Of what is judged, and of what was before. */
  note(change: Change): void {
    if (change.type === 'operation.target_ended' && change.fault !== null) this.#failed.add(change.id);
  }

  /** Before a decision counts. */
  before(changes: readonly Change[], by: By | undefined): void {
    const isCall = by?.m !== undefined && by.m !== linkMethod;
    for (const change of changes) {
      if (isCall && 'uid' in change) this.#judgeOrder(change, change.uid, by?.m ?? '');
      if (by?.m === linkMethod && change.type === 'vm.desired') this.#judgeShutdown(change, changes);
      if (change.type !== 'operation.started') continue;
      const { operation } = change;
      for (const uid of operation.targets) this.#judgeOnlyOne(operation, uid, changes);
      const [uid = ''] = operation.targets;
      if (operation.verb === 'migrate') this.#from.set(operation.id, this.state.vms.get(uid)?.host ?? null);
    }
  }

  #judgeOrder(change: Change, uid: string, method: string): void {
    const vm = this.state.vms.get(uid);
    if (vm === undefined || !orders.has(change.type)) return;
    const { recoveringSites } = this.state.federation;
    const site = this.state.hosts.get(vm.host ?? '')?.site ?? '';
    if (recoveringSites.includes(site))
      this.violate('E2', `${method} of VM ${vm.id} is taken, and its site ${site} is in recovery`);
    const isWish = change.type === 'vm.desired' || change.type === 'vm.resized';
    if (vm.move !== undefined && (isWish || change.type === 'vm.reboot_ordered'))
      this.violate('O6', `${method} of VM ${vm.id} is taken while it moves (${vm.move.phase})`);
    if (method === startMethod && change.type === 'vm.desired') this.#judgeStart(vm);
    if (change.type === 'vm.reboot_ordered' && vm.desired !== 'running')
      this.violate('O7', `a reboot of VM ${vm.id} is taken, which is to be ${vm.desired}`);
    if (change.type === 'vm.reboot_ordered' && change.rebootCount <= vm.rebootCount)
      this.violate('O7', `a reboot of VM ${vm.id} has number ${change.rebootCount} once more`);
  }

  /** No rule forbids what is started to be where it is. */
  #judgeStart(vm: Vm): void {
    const site = this.state.sites.get(this.state.hosts.get(vm.host ?? '')?.site ?? '');
    if (site !== undefined && !plainTenancyOf(this.state, vm).lawful(site))
      this.violate('LIMITS', `VM ${vm.id} is started on ${site.id}, where it may not be`);
  }

  /** O7: a guest that has shut itself down is not to run any more, unless it was ordered to since. */
  #judgeShutdown({ uid, desired }: ChangeOf<'vm.desired'>, changes: readonly Change[]): void {
    const vm = this.state.vms.get(uid);
    if (vm?.desired !== 'running' || desired !== 'stopped') return;
    const seen = changes.find(
      (change): change is ChangeOf<'vm.observed'> => change.type === 'vm.observed' && change.uid === uid,
    );
    if (seen?.generation !== vm.generation)
      this.violate(
        'O7',
        `VM ${vm.id} is not to run any more, and its host has seen ${seen?.generation ?? 'nothing'} of ${vm.generation}`,
      );
  }

  #judgeOnlyOne({ id }: Operation, uid: string, changes: readonly Change[]): void {
    const other = this.state.operations.get(this.state.vms.get(uid)?.operation ?? '');
    if (other === undefined || other.id === id || other.state !== 'running') return;
    const isEnded = changes.some(
      (change) =>
        (change.type === 'operation.cancelled' || change.type === 'operation.target_ended') &&
        change.id === other.id,
    );
    if (!isEnded) this.violate('O6', `operations ${other.id} and ${id} are both under way for VM ${uid}`);
  }

  /** After a decision counts. */
  after(change: Change): void {
    if (change.type !== 'operation.target_ended') return;
    const operation = this.state.operations.get(change.id);
    if (operation === undefined) return;
    const isWhole = operation.state === 'succeeded' || operation.state === 'failed';
    if (isWhole && (operation.state === 'failed') !== this.#failed.has(change.id))
      this.violate(
        'OPERATIONS',
        `operation ${operation.id} has ${operation.state}, and not by what has become of its VMs`,
      );
    if (change.fault !== null) return;
    const vm = this.state.vms.get(change.uid);
    const lacks = operation.verb === 'delete' ? vm && 'it is there still' : this.#lacks(operation, vm);
    if (lacks !== undefined)
      this.violate(
        'OPERATIONS',
        `operation ${operation.id} (${operation.verb}) of VM ${change.uid} has succeeded, and ${lacks}`,
      );
  }

  #lacks({ id, verb }: Operation, vm: Vm | undefined): string | undefined {
    if (vm === undefined) return 'it is gone';
    if (vm.state !== vm.desired) return `it is ${vm.state} and should be ${vm.desired}`;
    const wanted = { start: 'running', reboot: 'running', stop: 'stopped' } as Partial<
      Record<string, string>
    >;
    if (wanted[verb] !== undefined && vm.state !== wanted[verb]) return `it is ${vm.state}`;
    if (vm.observedGeneration !== vm.generation)
      return `its host has reached ${vm.observedGeneration} of ${vm.generation}`;
    if (verb === 'reboot' && vm.observedRebootCount < vm.rebootCount) return 'it was not rebooted';
    if (verb === 'resize' && vm.sizeBefore?.returnTo !== undefined) return 'it has not its new size';
    if (verb === 'migrate' && vm.host === this.#from.get(id)) return `it is on ${vm.host} as before`;
    return undefined;
  }
}
