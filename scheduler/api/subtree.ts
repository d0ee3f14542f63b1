/** The administrations that a watch is about, as they were when it last looked: their VMs come and go when one is moved. */
import type { State } from '../core/state.js';
import type { Engine } from '../engine.js';

export class Subtree {
  #ids: Set<string>;
  #mayHaveMoved = false;

  constructor(
    private readonly state: State,
    private readonly top: string,
  ) {
    this.#ids = this.#now();
  }

  /** Calls back when some administration has changed. Returns the function that ends it. */
  onMove(engine: Engine, changed: () => void): () => void {
    return engine.onCommitted(({ touched }) => {
      if (touched.written.administration.size === 0) return;
      this.#mayHaveMoved = true;
      changed();
    });
  }

  /** Whether one has left that still exists, or one with VMs has come, since this was asked last. */
  hasMoved(): boolean {
    if (!this.#mayHaveMoved) return false;
    this.#mayHaveMoved = false;
    const before = this.#ids;
    const now = this.#now();
    this.#ids = now;
    const { administrations } = this.state;
    return (
      [...before].some((id) => !now.has(id) && administrations.has(id)) ||
      [...now].some((id) => !before.has(id) && this.state.vmCountOfAdministration(id) > 0)
    );
  }

  #now(): Set<string> {
    return new Set([...this.state.tenancy.tree.node(this.top).subtree()].map(({ id }) => id));
  }
}
