/** A world whose commands go through a real engine, and with it to a store. */
import type { CommandOf, CommandType, ReplyOf } from '../../scheduler/core/commands.js';
import type { Refusal } from '../../scheduler/core/refusal.js';
import { Engine } from '../../scheduler/engine.js';
import { loadState } from '../../scheduler/store/load.js';
import type { Store } from '../../scheduler/store/store.js';
import { World } from './core/world.js';

export class EngineWorld extends World {
  readonly failures: Error[] = [];
  readonly engine: Engine;

  private constructor(
    readonly store: Store,
    { state, head }: Awaited<ReturnType<typeof loadState>>,
  ) {
    super(state);
    this.nowMs = Math.max(this.nowMs, state.lastMs);
    this.engine = new Engine({
      state,
      store,
      head,
      clock: () => this.nowMs,
      onFatal: (error) => this.failures.push(error),
    });
  }

  static async on(store: Store): Promise<EngineWorld> {
    return new EngineWorld(store, await loadState(store));
  }

  override try<T extends CommandType>(command: CommandOf<T>): { reply: ReplyOf<T> } | { refusal: Refusal } {
    const outcome = this.engine.run(command);
    return outcome.refusal ? { refusal: outcome.refusal } : { reply: outcome.reply };
  }
}
