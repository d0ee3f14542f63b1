/**
 * What agents do, judged by somebody who sees all of them: which domains run where, what stood on their disks when they
 * acted, and what they made of the scheduler's words.
 */
import type { Effect, EffectResult } from '../../../agent/converge/effects.js';
import type { Permit } from '../../../agent/converge/ledger.js';
import type { ObservedDomain } from '../../../agent/hypervisor/hypervisor.js';
import type { Machine } from '../machine.js';
import type { Violate } from './violation.js';

interface Shutdown {
  /** What had been reached by then. */
  generation: number;
  term: number;
}

export class AgentRules {
  /** Machines on which a VM is not off. */
  readonly #active = new Map<string, Set<Machine>>();
  /** VMs that a machine and its clone have or had: handed over by one of them, they are on two hosts. */
  readonly #twins = new Set<string>();
  /** Machine, VM and term of what has run: gone later, it is not made again under it. */
  readonly #ran = new Set<string>();
  readonly #shutdowns = new Map<string, Shutdown>();
  /** Guests that were paused by an error of their disk. */
  readonly #paused = new Set<string>();
  /** Guests that stop with the lease, and whose power was asked to be taken while the host had none. */
  readonly #endedWithLease = new Set<string>();
  /** Host and VM: another host has it by a newer term, which a journal that was restored did not know (E2). */
  readonly #foundElsewhere = new Set<string>();
  /** Domains that are none of ours, as they are to stay. */
  readonly #foreign = new Map<string, string>();

  constructor(private readonly violate: Violate) {}

  addForeign(machine: Machine, uid: string): void {
    machine.fake.addForeign(uid, `foreign-${uid.slice(0, 4)}`);
    this.#foreign.set(uid, machine.name);
  }

  activeOn(uid: string): ReadonlySet<Machine> {
    return this.#active.get(uid) ?? none;
  }

  /** A VM has left a host that is two machines. */
  onTwin(uid: string): void {
    this.#twins.add(uid);
  }

  foundElsewhere(uid: string, not: string): void {
    this.#foundElsewhere.add(`${not} ${uid}`);
  }

  /** Something has happened to a domain. */
  onDomain(machine: Machine, uid: string): void {
    if (this.#foreign.has(uid)) return;
    const domain = machine.fake.inspect(uid);
    const isActive = domain !== null && domain.power.kind !== 'off' && !isOnItsWay(domain.power);
    let machines = this.#active.get(uid);
    if (machines === undefined) {
      if (!isActive) return;
      machines = new Set();
      this.#active.set(uid, machines);
    }
    const key = `${machine.name} ${uid}`;
    if (!isActive) {
      machines.delete(machine);
      this.#paused.delete(key);
      return;
    }
    if (domain.power.kind === 'running' && this.#paused.has(key))
      this.violate('O4', `VM ${uid} was paused by an error on ${machine.name}, and was resumed`);
    machines.add(machine);
    this.#ran.add(`${key} ${domain.metadata?.term ?? 0}`);
    // A clone is the same host as far as the protocol can tell: README.md says what that leaves open.
    const hosts = new Set([...machines].map(({ host }) => host));
    if (hosts.size < machines.size) this.#twins.add(uid);
    if (hosts.size > 1 && !this.#twins.has(uid))
      this.violate('ONE COPY', `VM ${uid} runs on ${[...machines].map(({ name }) => name).join(' and ')}`);
  }

  /** The guest's disk fails, and QEMU pauses it. */
  pause(machine: Machine, uid: string): void {
    machine.fake.setPower(uid, { kind: 'paused', reason: 'I/O error' });
    this.#paused.add(`${machine.name} ${uid}`);
  }

  /** The guest powers itself off. */
  shutDown(machine: Machine, uid: string): void {
    const metadata = machine.fake.inspect(uid)?.metadata;
    if (metadata) {
      const { generation, term } = metadata;
      this.#shutdowns.set(`${machine.name} ${uid}`, { generation, term });
    }
    machine.fake.powerOff(uid, 'shutdown');
  }

  /** The machine or its libvirt has forgotten why its guests are off. */
  forget(machine: Machine): void {
    for (const key of this.#shutdowns.keys())
      if (key.startsWith(`${machine.name} `)) this.#shutdowns.delete(key);
  }

  /** The agent asks for something: O2, what stands on its disk by then. */
  onEffect(machine: Machine, effect: Effect): void {
    if (effect.kind === 'undefine') this.#judgeForgotten(machine, effect.uid);
    if (effect.kind === 'destroy') this.#noteLease(machine, effect.uid);
    if (effect.kind === 'migrate') this.#judgeHandOver(machine, effect.uid);
    if (effect.kind !== 'define' && effect.kind !== 'start') return;
    const uid = effect.kind === 'define' ? effect.blueprint.uid : effect.uid;
    const permit = machine.stateFile.permit(uid);
    const where = `on ${machine.name}`;
    if (effect.kind === 'start') {
      if (permit?.phase !== 'defined')
        this.violate(
          'O2',
          `VM ${uid} is started ${where}, and the state file says ${permit?.phase ?? 'nothing'} of it`,
        );
      this.#judgeStart(machine, uid, permit?.desired);
      return;
    }
    const { term } = effect.blueprint.metadata;
    if (permit?.term !== term) this.violate('O2', `VM ${uid} is defined ${where} without a permit on disk`);
    else if (machine.fake.inspect(uid) === null) {
      if (this.#ran.has(`${machine.name} ${uid} ${term}`))
        this.violate('O2', `VM ${uid} has run ${where} under term ${term}, and is made again under it`);
      else if (permit.phase !== 'defining')
        this.violate('O2', `VM ${uid} is first defined ${where}, and the state file says ${permit.phase}`);
    }
  }

  /** O5: whoever begins after this process knows that the guest may have gone. */
  #judgeHandOver(machine: Machine, uid: string): void {
    const permit = machine.stateFile.permit(uid);
    if (permit === undefined || permit.handover?.term !== permit.term)
      this.violate('O5', `VM ${uid} is handed over by ${machine.name}, and its disk does not say so`);
  }

  /** O6: of what nobody has answered in time it is not known that it has failed. */
  onAnswered(machine: Machine, permit: Permit | undefined, effect: Effect, result: EffectResult): void {
    if (result.ok || result.fault.kind !== 'timeout' || permit?.phase !== 'refusing') return;
    this.violate(
      'O6',
      `${machine.name} takes it for a refusal of VM ${permit.uid} that nobody has answered its ${effect.kind} in time`,
    );
  }

  /** O7: a guest that shut itself down is started by a newer word alone, or by its policy. */
  #judgeStart(
    machine: Machine,
    uid: string,
    desired: { generation: number; term: number; restartsAfterGuestShutdown: boolean } | undefined,
  ): void {
    const key = `${machine.name} ${uid}`;
    const shutdown = this.#shutdowns.get(key);
    if (shutdown === undefined) return;
    this.#shutdowns.delete(key);
    const domain = machine.fake.inspect(uid);
    if (domain?.power.kind !== 'off' || domain.power.reason !== 'shutdown') return;
    if (desired === undefined || desired.restartsAfterGuestShutdown) return;
    if (desired.generation <= shutdown.generation && desired.term <= shutdown.term)
      this.violate(
        'O7',
        `VM ${uid} shut itself down on ${machine.name}, and was started without a newer word`,
      );
  }

  /** libvirt carries something out. */
  onCall(machine: Machine, call: Effect): void {
    const uid = 'uid' in call ? call.uid : call.kind === 'define' ? call.blueprint.uid : null;
    if (uid === null) return;
    if (this.#foreign.has(uid)) this.violate('O1', `${call.kind} of a foreign domain on ${machine.name}`);
    if (call.kind === 'destroy' && this.#paused.has(`${machine.name} ${uid}`))
      this.#judgePaused(machine, uid);
    if (call.kind === 'destroy') this.#judgeOnlyCopy(machine, uid);
  }

  /** O5: whoever lets go of a VM that runs was told that it runs elsewhere, or it came back since and stops with the lease. */
  #judgeOnlyCopy(machine: Machine, uid: string): void {
    const permit = machine.stateFile.permit(uid);
    if (permit?.desired.role !== 'released') return;
    const domain = machine.fake.inspect(uid);
    if (domain?.power.kind !== 'running') return;
    if (this.#foundElsewhere.has(`${machine.host} ${uid}`) || this.#twins.has(uid)) return;
    const isAnotherStay = (domain.metadata?.term ?? 0) > permit.term;
    if (isAnotherStay && this.#hadLapsed(machine, uid)) return;
    this.violate(
      'O5',
      `the only copy of VM ${uid} runs on ${machine.name}, and is switched off as if it were not`,
    );
  }

  /** L2: of what runs on this machine nothing stops with the lease, as far as its agent has acknowledged that. */
  checkStopped(machine: Machine): void {
    for (const { uid, desired, phase } of machine.stateFile.content.permits) {
      if (!desired.stopsOnLeaseLoss || phase !== 'defined' || !this.activeOn(uid).has(machine)) continue;
      const reached = machine.fake.inspect(uid)?.metadata;
      if (reached === undefined || reached === null || reached.generation < desired.generation) continue;
      this.violate('L2', `VM ${uid} stops with the lease of ${machine.name}, and has outlived it`);
    }
  }

  /** The agent asks for a guest's power to be taken: it may have a lease again by the time at which libvirt does it. */
  #noteLease(machine: Machine, uid: string): void {
    const key = `${machine.name} ${uid}`;
    const core = machine.agent?.core;
    // Its power is taken before the word that it is to stop is on disk.
    const stops = core?.ledger.permit(uid)?.desired.stopsOnLeaseLoss === true;
    if (stops && core?.converger.leaseStanding === 'ended') this.#endedWithLease.add(key);
    else this.#endedWithLease.delete(key);
  }

  #hadLapsed(machine: Machine, uid: string): boolean {
    return this.#endedWithLease.has(`${machine.name} ${uid}`);
  }

  /** O6: a guest whose definition is taken away runs on, and nobody knows of it. */
  #judgeForgotten(machine: Machine, uid: string): void {
    const power = machine.fake.inspect(uid)?.power.kind ?? 'off';
    if (power !== 'off')
      this.violate('O6', `VM ${uid} is ${power} on ${machine.name}, and is taken to be gone`);
  }

  /** O4: not even by taking its power, but for a lease that has ended. */
  #judgePaused(machine: Machine, uid: string): void {
    const desired = machine.stateFile.permit(uid)?.desired;
    if (desired?.role === 'run' && !this.#hadLapsed(machine, uid))
      this.violate('O4', `VM ${uid} was paused by an error on ${machine.name}, and is switched off`);
  }
}

/** What arrives from another machine is there, and does not run before it has left that one. */
function isOnItsWay(power: ObservedDomain['power']): boolean {
  return power.kind === 'paused' && power.reason === 'migration';
}

const none: ReadonlySet<Machine> = new Set();
