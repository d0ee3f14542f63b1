/**
 * Who calls: portals and operators over a network that loses calls and answers. A call whose outcome is not known is made
 * again with the same bytes, request id and all, until somebody answers (PROTOCOL S3). It keeps what it was told.
 */
import { status } from '@grpc/grpc-js';
import { type Answered, type EncodedCall, encodeCall } from './api.js';
import type { Lineage } from './checker/lineage.js';
import type { Violate } from './checker/violation.js';
import type { Random } from './random.js';
import type { SchedulerProcess } from './scheduler-process.js';
import type { Timeline } from './timeline.js';

/** What a caller knows of a VM. */
export interface KnownVm {
  administration: string;
  id: string;
  uid: string;
  /** Somebody was told that it will be deleted. */
  isDeleted: boolean;
}

export interface PortalParts {
  timeline: Timeline;
  scheduler: SchedulerProcess;
  lineage(): Lineage;
  violate: Violate;
}

const attempts = 60;
const deadlineMs = 10_000;

export class Portal {
  readonly vms = new Map<string, KnownVm>();
  readonly counts = { calls: 0, acknowledged: 0, refused: 0, unknown: 0 };
  readonly #parts: PortalParts;
  /** Counts restores: what was told before one may be lost in it. */
  #times = 0;

  constructor(parts: PortalParts) {
    this.#parts = parts;
  }

  /** Calls, and calls again until it is answered. `answered` is told once. */
  call(
    method: string,
    request: object,
    random: Random,
    answered: (answer: Answered) => void = () => {},
  ): void {
    this.counts.calls += 1;
    const requestId = random.uuid();
    const call = encodeCall(method, { ...request, requestId });
    new Attempts(this, this.#parts, call, requestId, random, answered).begin();
  }

  get times(): number {
    return this.#times;
  }

  /** The journal is an older one from now on: what it does not know was lost with what lay between. */
  restored(lineage: Lineage): void {
    this.#times += 1;
    for (const uid of this.vms.keys()) if (!lineage.made.has(uid)) this.vms.delete(uid);
    for (const vm of this.vms.values()) vm.isDeleted = false;
  }

  /** Every VM that somebody was told of is there, or was deleted. */
  checkAll(): void {
    const { lineage, violate } = this.#parts;
    for (const { uid, id } of this.vms.values())
      if (!lineage().made.has(uid))
        violate('ACKNOWLEDGED', `VM ${id} (${uid}) was acknowledged, and is not in the journal`);
  }
}

class Attempts {
  #left = attempts;
  #first: Answered | null = null;
  readonly #times: number;

  constructor(
    private readonly portal: Portal,
    private readonly parts: PortalParts,
    private readonly call: EncodedCall,
    private readonly requestId: string,
    private readonly random: Random,
    private readonly answered: (answer: Answered) => void,
  ) {
    this.#times = portal.times;
  }

  begin(): void {
    if (this.#left === 0) {
      this.portal.counts.unknown += 1;
      return;
    }
    this.#left -= 1;
    const left = this.#left;
    const { timeline, scheduler } = this.parts;
    const { random } = this;
    const again = () => {
      if (this.#first === null && this.#left === left) this.begin();
    };
    const pauseMs = random.whole(500, 2000) * Math.min(8, attempts - left);
    if (scheduler.life === null) {
      timeline.life.after(pauseMs, again);
      return;
    }
    // Lost on its way, or made twice, or only its answer is lost.
    const copies = random.chance(0.02) ? 0 : random.chance(0.03) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) {
      const isAnswerLost = random.chance(0.03);
      timeline.life.after(random.whole(1, 20), () =>
        scheduler.call(this.call, (answer) => {
          this.#judge(answer);
          if (!isAnswerLost) timeline.life.after(random.whole(1, 20), () => this.#hear(answer, again));
        }),
      );
    }
    timeline.life.after(deadlineMs + pauseMs, again);
  }

  /** In the moment in which the scheduler answers. */
  #judge(answer: Answered): void {
    const { lineage, violate } = this.parts;
    const decided = lineage().requests.get(this.requestId);
    if ('refusal' in answer) {
      const { code, details } = answer.refusal;
      if (code === status.INTERNAL || code === status.UNKNOWN)
        violate('BUG', `${this.call.method}: ${details}`);
      if (decided !== undefined && code !== status.UNAVAILABLE)
        violate('S3', `${this.call.method} was carried out at ${decided}, and is refused: ${details}`);
      return;
    }
    for (const { uid } of vmsIn(answer.reply))
      if (!lineage().made.has(uid))
        violate('S1', `${this.call.method} is answered with VM ${uid}, which is not durable`);
  }

  #hear(answer: Answered, again: () => void): void {
    if ('refusal' in answer && answer.refusal.code === status.UNAVAILABLE) {
      this.parts.timeline.life.after(1000, again);
      return;
    }
    if (this.#times !== this.portal.times) return;
    if (this.#first !== null) {
      if (told(this.#first) !== told(answer))
        this.parts.violate('S3', `${this.call.method} was answered in two ways under one request id`);
      return;
    }
    this.#first = answer;
    if ('reply' in answer) this.portal.counts.acknowledged += 1;
    else this.portal.counts.refused += 1;
    this.answered(answer);
  }
}

/** What two answers to the same call must have in common. */
function told(answer: Answered): string {
  if ('refusal' in answer) return 'refused';
  const operation = answer.reply['operation'] as { name?: string } | null | undefined;
  return JSON.stringify([operation?.name, vmsIn(answer.reply).map(({ uid }) => uid)]);
}

export function vmsIn(reply: Record<string, unknown>): { uid: string; name: string }[] {
  const { vm, vms } = reply as {
    vm?: { uid: string; name: string } | null;
    vms?: { uid: string; name: string }[];
  };
  return vms ?? (vm ? [vm] : []);
}
