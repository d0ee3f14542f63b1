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

  /** Asks once, and leaves it at that. */
  read(method: string, request: object): void {
    const { scheduler, violate } = this.#parts;
    scheduler.call(encodeCall(method, request), (answer, isEarly) => {
      if ('refusal' in answer && isBug(answer.refusal))
        violate('BUG', `${method}: ${answer.refusal.details}`);
      else if (isEarly) violate('S1', `${method} is answered by what is not durable`);
    });
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
    for (const { uid, id, isDeleted } of this.vms.values()) {
      if (!lineage().made.has(uid))
        violate('ACKNOWLEDGED', `VM ${id} (${uid}) was acknowledged, and is not in the journal`);
      if (isDeleted && lineage().state.vms.has(uid))
        violate('ACKNOWLEDGED', `the deletion of VM ${id} (${uid}) was acknowledged, and it is there`);
    }
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
        scheduler.call(this.call, (answer, isEarly) => {
          this.#judge(answer, isEarly);
          if (!isAnswerLost) timeline.life.after(random.whole(1, 20), () => this.#hear(answer, again));
        }),
      );
    }
    timeline.life.after(deadlineMs + pauseMs, again);
  }

  /** In the moment in which the scheduler answers. */
  #judge(answer: Answered, isEarly: boolean): void {
    const { lineage, violate } = this.parts;
    const decided = lineage().requests.get(this.requestId);
    if ('refusal' in answer) {
      const { code, details } = answer.refusal;
      if (isBug(answer.refusal)) violate('BUG', `${this.call.method}: ${details}`);
      if (isEarly && code !== status.UNAVAILABLE)
        violate('S1', `${this.call.method} is refused by what is not durable: ${details}`);
      if (decided !== undefined && code !== status.UNAVAILABLE)
        violate('S3', `${this.call.method} was carried out at ${decided}, and is refused: ${details}`);
      return;
    }
    for (const { uid } of vmsIn(answer.reply))
      if (!lineage().made.has(uid))
        violate('S1', `${this.call.method} is answered with VM ${uid}, which is not durable`);
    const operation = operationIn(answer.reply);
    if (operation !== undefined && !lineage().state.operations.has(operation))
      violate('S1', `${this.call.method} is answered with operation ${operation}, which is not durable`);
  }

  #hear(answer: Answered, again: () => void): void {
    if ('refusal' in answer && answer.refusal.code === status.UNAVAILABLE) {
      this.parts.timeline.life.after(1000, again);
      return;
    }
    if (this.#times !== this.portal.times) return;
    if (this.#first !== null) {
      // What was refused may be carried out when it comes a second time: a refusal is not remembered.
      if ('reply' in this.#first && told(this.#first) !== told(answer))
        this.parts.violate('S3', `${this.call.method} was answered in two ways under one request id`);
      return;
    }
    this.#first = answer;
    if ('reply' in answer) {
      this.portal.counts.acknowledged += 1;
      if (this.random.chance(0.15)) this.#askOther();
    } else {
      this.portal.counts.refused += 1;
      if (answer.refusal.code === status.FAILED_PRECONDITION) this.#askAfter(answer.refusal.details);
    }
    this.answered(answer);
  }

  /** Another call under the same id: it is no repetition, and not to be taken for one. */
  #askOther(): void {
    const { timeline, scheduler, lineage, violate } = this.parts;
    const { method, bytes } = this.call;
    timeline.life.after(this.random.whole(1, 60_000), () => {
      if (this.#times !== this.portal.times) return;
      if (!lineage().requests.has(this.requestId)) return;
      scheduler.call({ method, bytes: Buffer.concat([bytes, unknownField]) }, (answer) => {
        if ('reply' in answer)
          violate('S3', `${method} is carried out, and its request id was used for another call before`);
      });
    });
  }

  /** Refused because of an operation, it is asked again when that has ended: a refusal is not remembered. */
  #askAfter(details: string, left = 20): void {
    const { timeline, scheduler, lineage, violate } = this.parts;
    const [, one, other] = underWay.exec(details) ?? [];
    const operation = one ?? other ?? '';
    if (operation === '' || left === 0) return;
    timeline.life.after(3000, () => {
      if (this.#times !== this.portal.times) return;
      const state = lineage().state.operations.get(operation)?.state;
      if (state === 'running') this.#askAfter(details, left - 1);
      if (state === undefined || state === 'running') return;
      scheduler.call(this.call, (answer) => {
        if ('refusal' in answer && answer.refusal.details === details)
          violate(
            'S3',
            `${this.call.method} is refused because of ${operation}, which has ended: ${details}`,
          );
      });
    });
  }
}

/** How a refusal names what has to end first. */
const underWay = /operations\/([0-9a-f-]{36}) is under way|wait for operations\/([0-9a-f-]{36})/;

/** A field that no message has: whoever reads it leaves it out, and the bytes are others. */
const unknownField = Buffer.from([0xf8, 0x7f, 1]);

function isBug({ code }: { code: status }): boolean {
  return code === status.INTERNAL || code === status.UNKNOWN;
}

function operationIn(reply: Record<string, unknown>): string | undefined {
  const operation = reply['operation'] as { name?: string } | null | undefined;
  return operation?.name?.split('/').at(-1);
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
