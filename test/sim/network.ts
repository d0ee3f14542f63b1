/**
 * The network between hosts and schedulers. A stream is what gRPC makes of a connection: what is sent arrives in order,
 * once, and up to the moment in which it breaks; but one that is stalled may go on later, one end may know of the break
 * long before the other, and what an old stream still carries may arrive after a newer one was opened.
 */
import { EventEmitter } from 'node:events';
import type { StreamListener, LinkStream } from '../../agent/link/transport.js';
import type { LinkRequest, LinkRequest__Output } from '../../proto/gen/secovia/v1/LinkRequest.js';
import type { LinkResponse, LinkResponse__Output } from '../../proto/gen/secovia/v1/LinkResponse.js';
import type { Random } from './random.js';
import type { Life, Timeline } from './timeline.js';
import { requestOverWire, responseOverWire } from './wire.js';

/** After so long without an answer to its pings either end takes a connection for lost. */
const keepaliveMs = 40_000;

type Direction = 'up' | 'down';

/** The way between one host and whatever schedulers there are. */
export class Path {
  /** What gets through: up to the scheduler, down to the host. */
  readonly open: Record<Direction, boolean> = { up: true, down: true };
  /** Beside what every message takes. */
  slowMs = 0;
  /** How often it was cut, or slow. */
  cuts = 0;
  readonly connections = new Set<Connection>();

  cut(direction: Direction): void {
    this.open[direction] = false;
    this.cuts += 1;
    for (const connection of this.connections) connection.stalled();
  }

  mend(): void {
    this.open.up = true;
    this.open.down = true;
    for (const connection of this.connections) connection.resumed();
  }

  get isOpen(): boolean {
    return this.open.up && this.open.down;
  }
}

/** A scheduler as the network sees it. */
export interface Listening {
  /** Of the process that listens; null when none does. */
  readonly life: Life | null;
  accept(stream: ServerStream): void;
}

/** The scheduler's end of a stream, as grpc-js has it. */
export class ServerStream extends EventEmitter {
  cancelled = false;
  readonly metadata = {};

  constructor(private readonly connection: Connection) {
    super();
    this.on('error', (status: { details?: string }) => connection.serverEnds(status.details ?? 'an error'));
  }

  get host(): string {
    return this.connection.host;
  }

  write(message: LinkResponse): boolean {
    this.connection.serverSends(message);
    return true;
  }

  end(): void {
    this.connection.serverEnds('the scheduler ended the stream');
  }

  getPeer(): string {
    return `${this.connection.host}:1`;
  }

  getPath(): string {
    return '/secovia.v1.AgentService/Link';
  }
}

/** Told of what goes over a stream. */
export interface Wiretap {
  /** What the agent says, when it says it and when it arrives. */
  onSays(message: LinkRequest__Output): void;
  onWord(message: LinkRequest__Output): void;
  /** What the scheduler says, when it says it and when it arrives. */
  onSaid(message: LinkResponse__Output): void;
  onHeard(message: LinkResponse__Output): void;
}

export interface ConnectionParts extends Wiretap {
  host: string;
  path: Path;
  timeline: Timeline;
  random: Random;
  to: Listening;
  listener: StreamListener;
  /** Of the agent's process. */
  agent: Life;
}

export class Connection implements LinkStream {
  readonly #parts: ConnectionParts;
  readonly #latencyMs: number;
  readonly #lastMs: Record<Direction, number> = { up: 0, down: 0 };
  /** What is on the wire, in order, and how much of it should have arrived and is stalled. */
  readonly #wire: Record<Direction, (() => void)[]> = { up: [], down: [] };
  readonly #stalled: Record<Direction, number> = { up: 0, down: 0 };
  #server: ServerStream | null = null;
  #serverLife: Life | null = null;
  #agentOver = false;
  #serverOver = false;
  #stalls = 0;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    const { random, path } = parts;
    this.#latencyMs = random.chance(0.05) ? random.whole(200, 3000) : random.whole(1, 15);
    path.connections.add(this);
    this.#after('up', () => this.#connect());
  }

  get host(): string {
    return this.#parts.host;
  }

  #connect(): void {
    const { to, listener } = this.#parts;
    if (to.life === null) {
      this.#tellAgent(() => {
        this.#agentEnds();
        listener.ended('no connection');
      });
      return;
    }
    this.#serverLife = to.life;
    this.#tellAgent(() => listener.opened());
  }

  send(request: LinkRequest): boolean {
    if (this.#agentOver) return false;
    const message = requestOverWire(request);
    this.#parts.onSays(message);
    this.#after('up', () => this.#serverHears(message));
    return true;
  }

  /** The agent ends its stream, or its process is gone, which the kernel tells the other end. */
  close(): void {
    if (this.#agentOver) return;
    this.#agentEnds();
    this.#after('up', () => this.#serverGone('end'));
  }

  /** The machine is gone, and tells nobody; what is on the wire arrives. */
  vanish(): void {
    this.#agentEnds();
    this.#parts.timeline.life.after(keepaliveMs, () => this.#serverGone('cancelled'));
  }

  serverSends(response: LinkResponse): void {
    if (this.#serverOver || this.#serverLife?.alive !== true) return;
    const message = responseOverWire(response);
    this.#parts.onSaid(message);
    this.#tellAgent(() => {
      this.#parts.onHeard(message);
      this.#parts.listener.received(message);
    });
  }

  serverEnds(reason: string): void {
    if (this.#serverOver || this.#serverLife?.alive !== true) return;
    this.#endServer(reason);
  }

  /** The scheduler's process is gone. */
  serverDies(): void {
    if (!this.#serverOver) this.#endServer('the connection is lost');
  }

  isTo(life: Life): boolean {
    return this.#serverLife === life;
  }

  stalled(): void {
    this.#stalls += 1;
    const stall = this.#stalls;
    this.#parts.timeline.life.after(keepaliveMs, () => {
      if (stall !== this.#stalls || this.#parts.path.isOpen) return;
      this.#serverGone('cancelled');
      if (this.#agentOver || !this.#parts.agent.alive) return;
      this.#agentEnds();
      this.#parts.listener.ended('the connection is lost');
    });
  }

  resumed(): void {
    this.#stalls += 1;
    for (const direction of ['up', 'down'] as const) {
      for (; this.#stalled[direction] > 0; this.#stalled[direction] -= 1) this.#schedule(direction);
    }
  }

  #endServer(reason: string): void {
    this.#serverOver = true;
    this.#server = null;
    this.#tellAgent(() => {
      this.#agentEnds();
      this.#parts.listener.ended(reason);
    });
  }

  #serverHears(message: LinkRequest__Output): void {
    if (this.#serverOver || this.#serverLife?.alive !== true) return;
    if (this.#server === null) {
      this.#server = new ServerStream(this);
      this.#parts.to.accept(this.#server);
    }
    this.#parts.onWord(message);
    this.#server?.emit('data', { bytes: noBytes, message });
  }

  #serverGone(event: 'end' | 'cancelled'): void {
    if (this.#serverOver) return;
    this.#serverOver = true;
    this.#parts.path.connections.delete(this);
    const server = this.#server;
    this.#server = null;
    if (server === null || this.#serverLife?.alive !== true) return;
    server.cancelled = event === 'cancelled';
    server.emit(event);
  }

  #agentEnds(): void {
    this.#agentOver = true;
    if (this.#serverOver) this.#parts.path.connections.delete(this);
  }

  #tellAgent(work: () => void): void {
    this.#after('down', () => {
      if (!this.#agentOver && this.#parts.agent.alive) work();
    });
  }

  /** In order, each direction by itself. */
  #after(direction: Direction, deliver: () => void): void {
    this.#wire[direction].push(deliver);
    this.#schedule(direction);
  }

  #schedule(direction: Direction): void {
    const { timeline, path, random } = this.#parts;
    const arrivesMs = timeline.nowMs + this.#latencyMs + path.slowMs + random.unit() * this.#latencyMs;
    const atMs = Math.max(arrivesMs, this.#lastMs[direction]);
    this.#lastMs[direction] = atMs;
    timeline.at(atMs, timeline.life, () => {
      if (path.open[direction]) this.#wire[direction].shift()?.();
      else this.#stalled[direction] += 1;
    });
  }
}

const noBytes = Buffer.alloc(0);
