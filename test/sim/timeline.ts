/**
 * Simulated time: a queue of what is to happen, in the order of its times and, at the same time, in the order in which it
 * was asked for. Nothing waits: the clock is where the next event is. What belongs to a process ends with its `Life`.
 */
import type { Timers } from '../../scheduler/timers.js';

interface Event {
  atMs: number;
  order: number;
  life: Life;
  work: () => void;
}

export class Timeline {
  nowMs = 0;
  /** Events that have happened. */
  steps = 0;
  readonly #heap: Event[] = [];
  #order = 0;
  #soon: (() => void)[] = [];
  #turn: (() => void)[] = [];
  /** For what ends with the world. */
  readonly life = new Life(this);

  at(atMs: number, life: Life, work: () => void): Event {
    this.#order += 1;
    const event = { atMs: Math.max(atMs, this.nowMs), order: this.#order, life, work };
    this.#push(event);
    return event;
  }

  soon(work: () => void): void {
    this.#soon.push(work);
  }

  turn(work: () => void): void {
    this.#turn.push(work);
  }

  /** Lets everything happen up to this time, or until it is over. */
  runTo(untilMs: number, isOver: () => boolean = () => false): void {
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= untilMs; next = this.#heap[0]) {
      this.#pop();
      if (!next.life.alive) continue;
      this.nowMs = next.atMs;
      this.steps += 1;
      next.work();
      if (this.#soon.length + this.#turn.length > 0) this.#endTurn();
      if (isOver()) return;
    }
    this.nowMs = untilMs;
  }

  /** First what was to be soon, then what was to be at the end of the turn, and what comes of it. */
  #endTurn(): void {
    while (this.#soon.length + this.#turn.length > 0) {
      const soon = this.#soon;
      this.#soon = [];
      for (const work of soon) work();
      if (this.#soon.length > 0) continue;
      const turn = this.#turn;
      this.#turn = [];
      for (const work of turn) work();
    }
  }

  #push(event: Event): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(event);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above] as Event;
      if (isBefore(parent, event)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = event;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop() as Event;
    const size = heap.length;
    if (size === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && isBefore(heap[child + 1] as Event, heap[child] as Event)) child += 1;
      if (isBefore(last, heap[child] as Event)) break;
      heap[at] = heap[child] as Event;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(one: Event, other: Event): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
}

/** A process, as far as time is concerned: when it is over, nothing of it happens any more. */
export class Life implements Timers {
  alive = true;

  constructor(private readonly timeline: Timeline) {}

  end(): void {
    this.alive = false;
  }

  soon(work: () => void): void {
    this.timeline.soon(() => {
      if (this.alive) work();
    });
  }

  turn(work: () => void): void {
    this.timeline.turn(() => {
      if (this.alive) work();
    });
  }

  after(ms: number, work: () => void): () => void {
    let isOff = false;
    this.timeline.at(this.timeline.nowMs + ms, this, () => {
      if (!isOff) work();
    });
    return () => {
      isOff = true;
    };
  }

  every(ms: number, work: () => void): () => void {
    let isOff = false;
    const next = () => {
      this.timeline.at(this.timeline.nowMs + ms, this, () => {
        if (isOff) return;
        work();
        next();
      });
    };
    next();
    return () => {
      isOff = true;
    };
  }
}
