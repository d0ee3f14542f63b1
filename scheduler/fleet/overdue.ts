/**
 * Orders that nothing has come of for long: their operations end, so that whoever waits hears of it, and the orders stand. Nothing that
 * a VM holds is freed by that, since its host may carry the order out at any time (PROTOCOL O6).
 */
import type { Logger } from 'pino';
import { backlogLimit, type Engine } from '../engine.js';

const lookEveryMs = 60_000;
/** Ended at one look: each writes to the journal. */
const mostAtOnce = 200;

export interface OverdueOptions {
  engine: Engine;
  log: Logger;
  /** How long an operation may take; a stop has its grace besides. */
  operationLimitMs: number;
  uptimeMs(): number;
}

export class Overdue {
  #nextMs = 0;

  constructor(private readonly options: OverdueOptions) {}

  /** To be called often; it looks once a minute. */
  sweep(): void {
    const { engine, log, operationLimitMs: limitMs, uptimeMs } = this.options;
    if (uptimeMs() < this.#nextMs || engine.backlog > backlogLimit / 2) return;
    this.#nextMs = uptimeMs() + Math.min(lookEveryMs, limitMs / 4);
    const due: string[] = [];
    const latestMs = engine.now() - limitMs;
    for (const { id, state, createdMs } of engine.state.operations.values()) {
      // They stand in the order in which they began.
      if (createdMs > latestMs || due.length === mostAtOnce) break;
      if (state === 'running') due.push(id);
    }
    for (const id of due) {
      const { refusal } = engine.run({ type: 'operation.time_out', id, limitMs });
      if (refusal === undefined && engine.state.operations.get(id)?.state !== 'running')
        log.warn({ operation: id }, 'an operation takes too long');
    }
  }
}
