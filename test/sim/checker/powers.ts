/**
 * Whose power an agent takes: of what it was told to stop, to let go of or to delete, and of what stops with a lease that has
 * ended (O3, L2). What it was told to run runs on, and so does what nobody has told it of.
 */
import type { Effect } from '../../../agent/converge/effects.js';
import type { Machine } from '../machine.js';
import type { Violate } from './violation.js';

export class PowerRules {
  constructor(private readonly violate: Violate) {}

  /** The agent asks for something. */
  onEffect({ name, fake, agent }: Machine, effect: Effect): void {
    if (effect.kind !== 'destroy' || agent === null) return;
    const { uid } = effect;
    const domain = fake.inspect(uid);
    if (domain?.power.kind !== 'running') return;
    const { ledger, converger } = agent.core;
    const permit = ledger.permit(uid);
    const what = `${name} takes the power of VM ${uid}`;
    if (permit === undefined) {
      this.violate('O3', `${what}, of which nobody has told it anything`);
      return;
    }
    const { role, rebootCount, stopsOnLeaseLoss } = permit.desired;
    if (role !== 'run' && role !== 'send') return;
    // Of another stay, or to be rebooted by being off for a moment.
    if (domain.metadata?.term !== permit.term || domain.metadata.rebootCount < rebootCount) return;
    if (!stopsOnLeaseLoss) this.violate('O3', `${what}, which is to run`);
    else if (converger.leaseStanding !== 'ended')
      this.violate('L2', `${what}, which stops with the lease alone, and that has not ended`);
  }
}
