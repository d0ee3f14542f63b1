/** One random call after another: mostly about VMs, and often enough about the limits and laws that they are under. */
import type { Random } from '../../core/placement/random.js';
import type { Books } from './books.js';
import type { StormClient } from './client.js';
import { Draws } from './draws.js';
import { LimitCalls } from './limit-calls.js';
import { VmCalls } from './vm-calls.js';

type Deed = (calls: { vms: VmCalls; limits: LimitCalls }) => Promise<unknown>;

/** How often, compared with the others. */
const weights: [weight: number, deed: Deed][] = [
  [26, ({ vms }) => vms.create()],
  [5, ({ vms }) => vms.createMany()],
  [11, ({ vms }) => vms.resize()],
  [8, ({ vms }) => vms.start()],
  [10, ({ vms }) => vms.stop()],
  [14, ({ vms }) => vms.delete()],
  [6, ({ vms }) => vms.migrate()],
  [4, ({ vms }) => vms.classify()],
  [3, ({ limits }) => limits.setQuota()],
  [0.7, ({ limits }) => limits.deleteQuota()],
  [2.5, ({ limits }) => limits.lend()],
  [1.7, ({ limits }) => limits.recallLoan()],
  [1.2, ({ limits }) => limits.agree()],
  [2, ({ limits }) => limits.updateAgreement()],
  [0.8, ({ limits }) => limits.endAgreement()],
  [0.4, ({ limits }) => limits.updatePartner()],
  [0.8, ({ limits }) => limits.makeRule()],
  [0.5, ({ limits }) => limits.changeRule()],
  [0.7, ({ limits }) => limits.endRule()],
  [1.5, ({ limits }) => limits.moveAdministration()],
  [1, ({ limits }) => limits.suspend()],
  [0.8, ({ limits }) => limits.stoppedVms()],
];
const allWeights = weights.reduce((sum, [weight]) => sum + weight, 0);

export class Calls {
  readonly #vms: VmCalls;
  readonly #limits: LimitCalls;

  constructor(
    client: StormClient,
    private readonly random: Random,
    books: Books,
  ) {
    const means = { client, random, books, draws: new Draws(random, books) };
    this.#vms = new VmCalls(means);
    this.#limits = new LimitCalls(means);
  }

  async next(): Promise<void> {
    let dice = this.random.next() * allWeights;
    const drawn = weights.find(([weight]) => {
      dice -= weight;
      return dice < 0;
    });
    await drawn?.[1]({ vms: this.#vms, limits: this.#limits });
  }
}
