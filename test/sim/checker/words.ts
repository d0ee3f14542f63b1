/** What a scheduler says, judged in the moment in which it says it, by what is on its disk then. */
import type { Desired__Output } from '../../../proto/gen/secovia/v1/Desired.js';
import type { FenceOrder__Output } from '../../../proto/gen/secovia/v1/FenceOrder.js';
import type { LinkResponse__Output } from '../../../proto/gen/secovia/v1/LinkResponse.js';
import type { Welcome__Output } from '../../../proto/gen/secovia/v1/Welcome.js';
import type { Vm } from '../../../scheduler/core/model.js';
import type { State } from '../../../scheduler/core/state.js';
import type { Machine } from '../machine.js';
import type { SchedulerProcess } from '../scheduler-process.js';
import type { Lineage } from './lineage.js';
import type { Violate } from './violation.js';
import type { VolumeRules } from './volumes.js';

const generationsPerTerm = 2 ** 25;

const roles: Record<Vm['desired'], Desired__Output['role']> = {
  running: 'VM_ROLE_RUN',
  stopped: 'VM_ROLE_STOPPED',
  deleted: 'VM_ROLE_DELETED',
};

export class WordRules {
  constructor(
    private readonly violate: Violate,
    private readonly volumes: VolumeRules,
  ) {}

  /** L3: whoever was connected when the scheduler was stopped on purpose still has a lease. */
  onUpgraded(machine: Machine, leaseExpiresAt: number | null): void {
    if (leaseExpiresAt === null || leaseExpiresAt > machine.clock.bootMs) return;
    this.violate('L3', `the lease of ${machine.name} ended while the scheduler was exchanged`);
  }

  onSaid(
    machine: Machine,
    scheduler: SchedulerProcess,
    lineage: Lineage,
    message: LinkResponse__Output,
  ): void {
    if (message.leaseGrant) this.#granted(machine, scheduler, lineage, message.leaseGrant);
    else if (message.leaseWithheld) this.#withheld(machine, scheduler, lineage);
    else if (message.welcome) this.#welcomed(machine, scheduler, lineage, message.welcome);
    else if (message.desired) this.#desired(machine, lineage, [message.desired]);
    else if (message.desiredSet) this.#desired(machine, lineage, message.desiredSet.desired);
    else if (message.fenceOrder) this.#fenceOrdered(machine, lineage, message.fenceOrder);
  }

  #desired(machine: Machine, lineage: Lineage, words: readonly Desired__Output[]): void {
    const { state } = lineage;
    const site = state.hosts.get(machine.host)?.site ?? '';
    if (state.federation.recoveringSites.includes(site))
      this.violate('E2', `${machine.name} is told what to hold, and its site is in recovery`);
    for (const word of words) {
      const { uid, term, generation, role } = word;
      if (role === 'VM_ROLE_DELETED') this.volumes.onOrdered(machine, state, uid);
      if (role === 'VM_ROLE_RELEASED') this.volumes.onReleased(machine, uid);
      const vm = state.vms.get(uid);
      if (vm?.host === machine.host && vm.term === term && vm.generation === generation)
        this.#compare(machine, vm, word);
      const isDurable =
        vm === undefined
          ? lineage.made.has(uid)
          : vm.term * generationsPerTerm + vm.generation >= term * generationsPerTerm + generation ||
            isPromised(state, vm, machine.host, term, generation);
      if (!isDurable)
        this.violate(
          'S1',
          `${machine.name} is told of VM ${uid} ${term}.${generation}, which is not durable`,
        );
    }
  }

  /** O2, O3, O7: what a host is told of a VM is what the journal has of it. */
  #compare({ name }: Machine, vm: Vm, { role, rebootCount, policy, defined }: Desired__Output): void {
    const told = `${name} is told of VM ${vm.uid}`;
    if (rebootCount !== vm.rebootCount)
      this.violate(
        'O7',
        `${told} that it is to be rebooted ${rebootCount} times, and it is ${vm.rebootCount}`,
      );
    // What is seen after a word was made ready changes no generation.
    const isSeen = vm.state === 'running' && vm.observedGeneration === vm.generation;
    const isKnown = vm.unseen !== true && vm.adopting === undefined;
    if (isSeen && isKnown && !defined)
      this.violate('O2', `${told} as of one that it has not had, and it was seen to run there`);
    const restarts = vm.policy.onGuestShutdown === 'restart';
    if ((policy?.onGuestShutdown === 'GUEST_SHUTDOWN_POLICY_RESTART') !== restarts)
      this.violate('O7', `${told} another policy than it has for a guest that shuts itself down`);
    const stops = vm.policy.onLeaseLoss === 'stop';
    if ((policy?.onLeaseLoss === 'LEASE_LOSS_POLICY_STOP') !== stops)
      this.violate('L2', `${told} another policy than it has for a lease that ends`);
    const desired = vm.heldBack === true && vm.desired === 'running' ? 'stopped' : vm.desired;
    if (vm.move === undefined && role !== roles[desired])
      this.violate('O3', `${told} ${role}, and it is to be ${desired}`);
  }

  /** F2: another host of its site is asked, which has found the controller that the host has said it has. */
  #fenceOrdered(machine: Machine, { state }: Lineage, order: FenceOrder__Output): void {
    const host = state.hosts.get(order.host.replace('hosts/', ''));
    const fencer = state.hosts.get(machine.host);
    const where = `${machine.name} is to power ${order.host} off`;
    if (host === undefined || fencer === undefined) return;
    const { fence } = host;
    if (fence?.state !== 'ordered' || fence.order !== order.id || fence.fencer !== machine.host)
      this.violate('S1', `${where}, and that is not durable`);
    if (host.id === fencer.id || host.site !== fencer.site)
      this.violate('F2', `${where}, and is not another host of its site`);
    if (order.controllerGuid !== host.inventory?.['controllerGuid'])
      this.violate('F2', `${where} by a controller that the host has not`);
    if (machine.neighbours().get(host.id) !== order.controllerGuid)
      this.violate('F2', `${where}, and has found another controller there`);
  }

  #granted(
    machine: Machine,
    scheduler: SchedulerProcess,
    { state }: Lineage,
    { checkpoint, epoch }: NonNullable<LinkResponse__Output['leaseGrant']>,
  ): void {
    const site = state.hosts.get(machine.host)?.site ?? '';
    if (state.federation.recoveringSites.includes(site))
      this.violate('E2', `${machine.name} is given a lease, and its site is in recovery`);
    const known = state.federation.epoch;
    if (epoch?.counter !== known.counter || epoch.incarnation !== known.incarnation)
      this.violate('S1', `${machine.name} is given a lease of an epoch that is not durable`);
    if (checkpoint === null || checkpoint.sequence === 0) return;
    if (scheduler.disk.hashAt(checkpoint.sequence)?.equals(checkpoint.hash as Buffer) !== true)
      this.violate(
        'S1',
        `${machine.name} is shown the journal at ${checkpoint.sequence}, which is not durable`,
      );
  }

  /** E4: a host in quarantine takes nothing new, and keeps its lease. */
  #withheld({ host: id, name }: Machine, { engine }: SchedulerProcess, { state }: Lineage): void {
    const host = state.hosts.get(id);
    if (host?.state !== 'quarantined') return;
    // The end of a recovery counts when all that has been decided by then is written.
    if (engine === null || engine.head.sequence < engine.state.sequence) return;
    if (!state.federation.recoveringSites.includes(host.site))
      this.violate('E4', `${name} is in quarantine, and is given no lease`);
  }

  /** E2: whoever stands behind what the agent has seen is in recovery there. */
  #welcomed(
    machine: Machine,
    { disk, name }: SchedulerProcess,
    lineage: Lineage,
    { epoch }: Welcome__Output,
  ): void {
    // With a key of its own it cannot know what the federation's has signed.
    if (name.startsWith('strange')) return;
    const kept = machine.agent?.core.ledger.checkpoint ?? null;
    if (kept === null || kept.sequence === 0) return;
    if (disk.hashAt(kept.sequence)?.toString('hex') === kept.hashHex) return;
    if (epoch !== null && epoch.incarnation <= kept.incarnation)
      this.violate(
        'E2',
        `${machine.name} has seen another journal of incarnation ${kept.incarnation}, and is welcomed by ${epoch.incarnation}`,
      );
    if (!lineage.heardInRecovery.has(machine.host))
      this.violate(
        'E2',
        `${machine.name} has seen the journal at ${kept.sequence}, which is not in it, and is welcomed`,
      );
  }

  /** F1: whoever is powered off because nobody hears of it has no lease any more. */
  onFenceOrdered(machine: Machine | undefined): void {
    const expiresAt = machine?.agent?.core.linkStatus().leaseExpiresAt ?? null;
    if (machine === undefined || expiresAt === null || expiresAt <= machine.clock.bootMs) return;
    this.violate('F1', `${machine.name} is to be powered off, and its agent holds a lease`);
  }

  /** L1: a lease ends at the host first. */
  onLapsed(machine: Machine | undefined): void {
    const expiresAt = machine?.agent?.core.linkStatus().leaseExpiresAt ?? null;
    if (machine === undefined || expiresAt === null || expiresAt <= machine.clock.bootMs) return;
    this.violate(
      'L1',
      `the lease of ${machine.name} has ended, and the agent holds it for ${Math.round(expiresAt - machine.clock.bootMs)} ms still`,
    );
  }
}

/** A term that is newer than the VM's own: of a move to this host, or of one that it must not wait for any more. */
function isPromised(
  state: State,
  { uid, move, generation: newest }: Vm,
  id: string,
  term: number,
  generation: number,
): boolean {
  if (move?.peer === id && move.term === term && generation <= newest) return true;
  const leftovers = state.hosts.get(id)?.leftovers ?? [];
  return leftovers.some((left) => left.uid === uid && left.term === term && left.generation === generation);
}
