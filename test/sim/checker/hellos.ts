/** What a journal has of its hosts when they say hello, and of the orders to power them off. */
import type { Change } from '../../../scheduler/core/changes.js';
import type { State } from '../../../scheduler/core/state.js';
import type { Violate } from './violation.js';

/** Of a host; an older one may speak again. */
const bootsKept = 16;

export class HelloRules {
  /** Hosts whose site stood in recovery when they said hello last. */
  readonly inRecovery = new Set<string>();
  /** The boots of each host in their order, as far back as anybody remembers. */
  readonly #boots = new Map<string, string[]>();
  /** The order to power each host off that stands. */
  readonly #orders = new Map<string, string>();

  constructor(
    private readonly state: State,
    private readonly violate: Violate,
    private readonly onOrderOver: (order: string) => void,
  ) {}

  /** E4: a boot that was over does not speak again. */
  before(change: Change): void {
    if (change.type !== 'host.connected') return;
    if (this.#boots.get(change.id)?.slice(0, -1).includes(change.bootId) === true)
      this.violate('E4', `host ${change.id} is welcomed under a boot id that a newer one had followed`);
  }

  after(change: Change): void {
    if (change.type === 'host.connected') this.#noteHello(change.id, change.bootId);
    else if (change.type === 'host.boots_forgotten') this.#boots.delete(change.id);
    if (change.type.startsWith('host.') && 'id' in change) this.#noteOrder(change.id);
  }

  #noteHello(id: string, bootId: string): void {
    const boots = this.#boots.get(id) ?? [];
    if (boots.at(-1) !== bootId) this.#boots.set(id, [...boots, bootId].slice(-bootsKept));
    const host = this.state.hosts.get(id);
    if (host?.fence !== undefined || host?.stopProof !== undefined)
      this.violate('F1', `${id} is back, and what was made of its loss stands still`);
    if (this.state.federation.recoveringSites.includes(host?.site ?? '')) this.inRecovery.add(id);
    else this.inRecovery.delete(id);
  }

  #noteOrder(id: string): void {
    const { fence } = this.state.hosts.get(id) ?? {};
    const order = fence?.state === 'ordered' ? fence.order : '';
    const before = this.#orders.get(id) ?? '';
    if (before === order) return;
    this.#orders.set(id, order);
    if (before !== '') this.onOrderOver(before);
  }
}
