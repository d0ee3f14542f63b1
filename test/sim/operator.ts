/**
 * The people who look after the federation: they end a recovery when every host has said what it has, release hosts from
 * quarantine when the clone is gone, and restore a scheduler to its own newest state that agents refuse because a copy has led
 * them: it then asks every host what it has.
 */
import { Random } from './random.js';
import type { World } from './world.js';

const lookEveryMs = 20_000;

export class Operator {
  /** The faults are over: what is not right by itself is set right. */
  isLookingAfterAll = false;
  readonly #released = new Set<string>();
  readonly #random: Random;

  constructor(private readonly world: World) {
    this.#random = world.random.fork('operator');
  }

  start(): void {
    this.world.timeline.life.every(lookEveryMs, () => this.#look());
  }

  cloneIsGone(host: string): void {
    this.#released.add(host);
  }

  #look(): void {
    const { scheduler, lineage } = this.world;
    if (scheduler.life === null) return;
    const { hosts, federation } = lineage.state;
    for (const host of this.#released)
      if (hosts.get(host)?.state === 'quarantined') this.#call('ReleaseHost', { name: `hosts/${host}` });
    if (federation.recoveringSites.length > 0 && this.#allAreHeard()) {
      for (const site of federation.recoveringSites)
        this.#call('EndRecovery', { site: `sites/${site}`, force: true });
    }
    if (this.#isRefused()) this.world.takeLead();
  }

  /** Each host is connected, or off, which somebody has looked at. */
  #allAreHeard(): boolean {
    const { hosts } = this.world.lineage.state;
    return this.world.machines.every((machine) => {
      const known = hosts.get(machine.host)?.state;
      return !machine.isOn || known === 'ready' || known === 'quarantined';
    });
  }

  /** Agents that have obeyed a copy with a higher epoch refuse this scheduler. */
  #isRefused(): boolean {
    return this.world.machines.some(({ agent }) => {
      const status = agent?.core.linkStatus();
      return (
        status !== undefined && status.state !== 'linked' && status.reason.includes('not the one in charge')
      );
    });
  }

  #call(method: string, request: object): void {
    this.world.note(method);
    this.world.portal.call(method, request, new Random(this.#random.word()));
  }
}
