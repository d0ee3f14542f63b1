/**
 * The machines' management controllers, as the fencing settings of other hosts of their sites have them: now and then the
 * address of one leads to another machine (PROTOCOL F2).
 */
import type { FenceOrder, FenceVerdict } from '../../agent/fencing/fence.js';
import type { HostPlan } from './federation.js';
import type { Machine } from './machine.js';
import type { Random } from './random.js';

export interface ControllersParts {
  hosts: readonly HostPlan[];
  random: Random;
  machineOf(host: string): Machine | undefined;
  later(ms: number, work: () => void): void;
  /** A machine is about to be powered off, which nobody can keep this one from any more. */
  onBegun(by: Machine, order: FenceOrder): void;
  /** A machine is powered off, by this one. */
  onOff(by: Machine, target: Machine, order: FenceOrder): void;
}

export class Controllers {
  readonly #parts: ControllersParts;
  /** By the host that has the setting and the host that it is about: the host that is there. */
  readonly #wrong = new Map<string, string>();

  constructor(parts: ControllersParts) {
    this.#parts = parts;
    const { hosts, random } = parts;
    for (const { id } of hosts) {
      const others = this.#othersOf(id);
      const meant = random.pick(others);
      const there = random.pick(others);
      if (meant !== undefined && there !== undefined && meant !== there && random.chance(0.5))
        this.#wrong.set(`${id} ${meant}`, there);
    }
  }

  /** The controllers that a host finds, by the host that they should be of. */
  seenFrom(host: string): ReadonlyMap<string, string> {
    const seen = this.#othersOf(host).map((id): [string, string] => {
      const machine = this.#parts.machineOf(this.#behind(host, id));
      return [id, machine?.controllerGuid ?? ''];
    });
    return new Map(seen);
  }

  /** It is asked whether or not its machine lives, may not answer, and whoever has asked may be gone before it does. */
  fence(
    by: Machine,
    order: FenceOrder,
    stands: () => boolean,
    answered: (verdict: FenceVerdict) => void,
  ): void {
    const { later, onBegun, onOff, machineOf } = this.#parts;
    const random = this.#parts.random.fork(`fence ${order.id}`);
    const target = machineOf(this.#behind(by.host, order.host));
    const verdict = (outcome: FenceVerdict['outcome']) => ({ outcome, method: 'fence_sim', message: '' });
    const isOther = target?.controllerGuid !== order.controllerGuid;
    if (target === undefined || isOther || random.chance(0.2)) {
      later(random.whole(1000, 30_000), () => answered(verdict(isOther ? 'unmatched' : 'failed')));
      return;
    }
    const offMs = random.whole(1000, 20_000);
    const offAfterMs = random.whole(500, 10_000);
    later(offMs / 2, () => {
      // What has begun cannot be withdrawn any more.
      if (!stands()) return answered(verdict('failed'));
      onBegun(by, order);
      later(offMs / 2, () => {
        onOff(by, target, order);
        later(offAfterMs, () => answered(verdict('off')));
      });
    });
  }

  #behind(host: string, of: string): string {
    return this.#wrong.get(`${host} ${of}`) ?? of;
  }

  #othersOf(host: string): string[] {
    const { hosts } = this.#parts;
    const site = hosts.find(({ id }) => id === host)?.site;
    return hosts.filter((other) => other.id !== host && other.site === site).map(({ id }) => id);
  }
}
