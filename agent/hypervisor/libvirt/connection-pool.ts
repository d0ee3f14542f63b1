/**
 * Connections to one libvirtd, each used by one caller at a time. Calls that share a connection would be carried by
 * whichever thread happens to own it, and libvirt's client library up to 10.x then sometimes touches the stack of a
 * thread that has gone on (CVE-2024-4418; Debian 12 ships it): the whole agent dies of it. It also means that a
 * call that hangs holds up nobody else.
 */
import { type Connection, DEADLINE_CODE } from '../../../native/index.js';
import { HypervisorError } from '../hypervisor.js';
import { hasCode } from './failure.js';

export interface PoolOptions {
  size: number;
  /** How many calls that were given up may hang before no more are made. */
  mostStuck?: number;
  open(): Promise<Connection>;
}

interface Waiter {
  take(connection: Connection): void;
  refuse(error: Error): void;
}

/**
 * A call that was given up keeps its connection, and a thread, until libvirt answers. When so many hang, something
 * is wrong that one more attempt will not mend.
 */
const mostStuckByDefault = 32;
const stuckCloseDeadlineMs = 24 * 3600_000;

export class ConnectionPool {
  readonly #options: PoolOptions;
  readonly #idle: Connection[] = [];
  readonly #all = new Set<Connection>();
  #opening = 0;
  readonly #waiting: Waiter[] = [];
  #stuck = 0;
  /** What those of the calls that hang are about, of which it was said. */
  readonly #stuckAbout = new Set<string>();
  #over: Error | null = null;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Runs `call` with a connection of its own. While one about the same hangs it is refused, since it would hang too. */
  async run<T>(call: (connection: Connection) => Promise<T>, about?: string): Promise<T> {
    if (about !== undefined && this.#stuckAbout.has(about)) {
      throw new HypervisorError('timeout', `an earlier call to libvirt about ${about} hangs`);
    }
    const connection = await this.#acquire();
    try {
      const result = await call(connection);
      this.#release(connection);
      return result;
    } catch (error) {
      if (hasCode(error, DEADLINE_CODE)) this.#retire(connection, about);
      else this.#release(connection);
      throw error;
    }
  }

  /** Refuses all further calls, and returns the connections for closing. */
  end(error: Error): Connection[] {
    this.#over = error;
    for (const waiter of this.#waiting.splice(0)) waiter.refuse(error);
    this.#idle.length = 0;
    const connections = [...this.#all];
    this.#all.clear();
    return connections;
  }

  async #acquire(): Promise<Connection> {
    if (this.#over !== null) throw this.#over;
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    if (this.#tooManyHang) throw this.#hanging();
    if (this.#all.size + this.#opening < this.#options.size) return this.#open();
    return new Promise((take, refuse) => this.#waiting.push({ take, refuse }));
  }

  get #tooManyHang(): boolean {
    return this.#stuck >= (this.#options.mostStuck ?? mostStuckByDefault);
  }

  #hanging(): HypervisorError {
    const calls = this.#stuck === 1 ? 'a call to libvirt hangs' : `${this.#stuck} calls to libvirt hang`;
    return new HypervisorError('timeout', calls);
  }

  async #open(): Promise<Connection> {
    this.#opening++;
    try {
      const connection = await this.#options.open();
      if (this.#over !== null) {
        void connection.close().catch(() => undefined);
        throw this.#over;
      }
      this.#all.add(connection);
      return connection;
    } finally {
      this.#opening--;
    }
  }

  #release(connection: Connection): void {
    if (this.#over !== null) return;
    const next = this.#waiting.shift();
    if (next === undefined) this.#idle.push(connection);
    else next.take(connection);
  }

  /** The call was given up and still hangs in libvirt: its connection goes when it comes back. */
  #retire(connection: Connection, about: string | undefined): void {
    if (!this.#all.delete(connection)) return;
    this.#stuck++;
    if (about !== undefined) this.#stuckAbout.add(about);
    const gone = () => {
      this.#stuck--;
      if (about !== undefined) this.#stuckAbout.delete(about);
    };
    connection.close({ deadlineMs: stuckCloseDeadlineMs }).then(gone, gone);
    if (this.#tooManyHang) {
      for (const waiter of this.#waiting.splice(0)) waiter.refuse(this.#hanging());
      return;
    }
    const next = this.#waiting.shift();
    if (next !== undefined) this.#open().then(next.take, next.refuse);
  }
}
