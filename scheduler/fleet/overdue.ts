/**
 * Orders that nothing has come of for long: their operations end, so that whoever waits hears of it, and most orders stand. Nothing that
 * a VM holds is freed by that, since its host may carry the order out at any time (PROTOCOL O6).
 */
import type { Logger } from 'pino';
import { overdueTargets } from '../core/decide-operation.js';
import { backlogLimit, type Engine } from '../engine.js';

const lookEveryMs = 60_000;
const quietMs = 300_000;
/** VMs whose operations end at one look: each writes to the journal. */
const mostAtOnce = 200;

export interface OverdueOptions {
  engine: Engine;
  log: Logger;
  /** How long an operation may take; a stop has its grace besides. */
  operationLimitMs: number;
  uptimeMs(): number;
}

export class Overdue {
  #nextMs: number;

  /** Not before agents have had the time to say what became of their orders while nobody led them. */
  constructor(private readonly options: OverdueOptions) {
    this.#nextMs = options.uptimeMs() + Math.min(quietMs, options.operationLimitMs / 4);
  }

  /** To be called often; it looks once a minute. */
  sweep(): void {
    const { engine, log, operationLimitMs: limitMs, uptimeMs } = this.options;
    if (uptimeMs() < this.#nextMs || engine.backlog > backlogLimit / 2) return;
    this.#nextMs = uptimeMs() + Math.min(lookEveryMs, limitMs / 4);
    const due: string[] = [];
    let targets = 0;
    const nowMs = engine.now();
    for (const operation of engine.state.operations.values()) {
      // They stand in the order in which they began.
      if (operation.createdMs > nowMs - limitMs || targets >= mostAtOnce) break;
      if (overdueTargets(engine.state, operation, limitMs, nowMs).next().done === true) continue;
      due.push(operation.id);
      targets += operation.targets.length;
    }
    for (const id of due) {
      engine.run({ type: 'operation.time_out', id, limitMs });
      log.warn({ operation: id }, 'an operation takes too long');
    }
  }
}
