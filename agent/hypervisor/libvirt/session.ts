/**
 * The agent's connections to libvirt, kept up: some for what changes things, some for looking, one for looking at all
 * domains, some for what lasts, one for events, so that what hangs on one does not hold up the others. When one is lost or
 * the daemon falls silent, all are dropped, every call under way is answered with `unavailable`, and connecting starts over
 * with short pauses.
 */
import { type Connection, type LibvirtEvent, LibvirtError, openConnection } from '../../../native/index.js';
import { HypervisorError } from '../hypervisor.js';
import { CallsUnderWay } from './calls-under-way.js';
import { ConnectionPool } from './connection-pool.js';
import { asHypervisorError } from './failure.js';
import type { DriverProfile } from './profile.js';

export type Lane = 'control' | 'query' | 'list' | 'migration';

interface Live {
  control: ConnectionPool;
  query: ConnectionPool;
  /** For what asks about all domains. */
  list: ConnectionPool;
  migration: ConnectionPool;
  /** For what needs the files of a pool. */
  inPool(poolPath: string): ConnectionPool;
  /** Ends all of them, and gives their connections for closing. */
  end(error: HypervisorError): Connection[];
  /** Hears the events, and is asked now and then whether the daemon still answers. */
  events: Connection;
  underWay: CallsUnderWay;
}

export interface SessionListener {
  /** The connections are there; whoever needs to prepare something does it before anybody hears of them. */
  prepare(connection: Connection): Promise<void>;
  available(): void;
  unavailable(error: string): void;
  event(event: LibvirtEvent): void;
}

const reconnect = { firstMs: 200, longestMs: 2_000 };
/**
 * A frozen daemon takes a connection and says nothing. Each attempt then costs a thread that cannot be taken
 * back, so attempts are given much time instead of being repeated: they succeed at once when the daemon thaws.
 */
const openDeadlineMs = 600_000;
const prepareDeadlineMs = 30_000;
const poolSizes: Record<Exclude<Lane, 'list'>, number> = { control: 16, query: 8, migration: 32 };
/**
 * One domain whose lock somebody holds inside libvirtd, as a start does whose disk hangs, holds up whoever asks about all of
 * them. Asked again every few seconds, libvirtd would soon have no worker left for the others: one such call is enough.
 */
const ofLists = { size: 1, mostStuck: 1 };
/**
 * What needs files that hang, hangs in the daemon too, with one of its workers, of which it has twenty unless its settings
 * say otherwise; a call that was given up goes on doing so. So of each pool there are few.
 */
const ofSharedPool = { size: 12, mostStuck: 4 };
const ofOwnPool = { size: 12 };
/**
 * The daemon's silence is noticed by the heartbeat. libvirt's own keepalive would send from a thread of its own
 * into connections on which calls are waiting, which is what CVE-2024-4418 is made of.
 */
const withoutKeepalive = { keepaliveIntervalS: 0, keepaliveCount: 0 };
const heartbeat = { intervalMs: 2_000, deadlineMs: 5_000 };

export class LibvirtSession {
  readonly #uri: string;
  readonly #profile: DriverProfile;
  readonly #listener: SessionListener;
  readonly #connectTo: typeof openConnection;
  #live: Live | null = null;
  #lastError = 'not connected yet';
  #attempt = 0;
  #timer: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(
    uri: string,
    profile: DriverProfile,
    listener: SessionListener,
    connectTo: typeof openConnection = openConnection,
  ) {
    this.#uri = uri;
    this.#profile = profile;
    this.#listener = listener;
    this.#connectTo = connectTo;
  }

  start(): void {
    void this.#connect();
  }

  get available(): boolean {
    return this.#live !== null;
  }

  get lastError(): string {
    return this.#lastError;
  }

  /**
   * Makes one call; it ends with `unavailable` as soon as its connection is given up. If it says what it is about, it ends
   * with `timeout`, and is not made, while an earlier one of its lane about the same hangs.
   */
  run<T>(lane: Lane, call: (connection: Connection) => Promise<T>, about?: string): Promise<T> {
    return this.#call((live) => live[lane], call, about);
  }

  /** Makes one call that needs files of this pool, and can hang as they do; the empty path means the host's own pool. */
  runInPool<T>(poolPath: string, call: (connection: Connection) => Promise<T>): Promise<T> {
    return this.#call((live) => live.inPool(poolPath), call);
  }

  async #call<T>(
    choose: (live: Live) => ConnectionPool,
    call: (connection: Connection) => Promise<T>,
    about?: string,
  ): Promise<T> {
    const live = this.#live;
    if (live === null) throw new HypervisorError('unavailable', this.#lastError);
    try {
      return await live.underWay.orLost(choose(live).run(call, about));
    } catch (error) {
      const known = asHypervisorError(error);
      // Between the daemon's end and the news of it, calls fail in many ways: none of them is about the VM.
      if (known.fault === 'unavailable') this.#giveUp(live, known.message);
      throw error instanceof LibvirtError && known.fault !== 'unavailable' ? error : known;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    const live = this.#live;
    this.#live = null;
    if (live === null) return;
    await this.#drop(live, new HypervisorError('unavailable', 'the agent is stopping'));
  }

  async #connect(): Promise<void> {
    let live: Live | null = null;
    let opened: Connection | null = null;
    try {
      opened = await this.#open();
      live = this.#makeLive(opened);
      const made = live;
      await opened.onEvent((event) => this.#listener.event(event), { deadlineMs: prepareDeadlineMs });
      await made.control.run((connection) => this.#listener.prepare(connection));
      if (this.#closed) throw new HypervisorError('unavailable', 'the agent is stopping');
      opened.onClose((reason) => this.#giveUp(made, closeReason(reason)));
      this.#live = made;
      this.#attempt = 0;
      this.#lastError = '';
      this.#listener.available();
      if (this.#profile.heartbeat) void this.#beat(made);
    } catch (error) {
      const known = asHypervisorError(error);
      if (live !== null) void this.#drop(live, known);
      else if (opened !== null) void hangUp([opened]);
      this.#failed(known.message);
    }
  }

  #open(): Promise<Connection> {
    return this.#connectTo(this.#uri, { deadlineMs: openDeadlineMs, ...withoutKeepalive });
  }

  #makeLive(events: Connection): Live {
    const underWay = new CallsUnderWay();
    if (this.#profile.sharedConnection) {
      const shared = new ConnectionPool({ size: 1, open: async () => events });
      const end = (error: HypervisorError) => shared.end(error);
      return {
        control: shared,
        query: shared,
        list: shared,
        migration: shared,
        inPool: () => shared,
        end,
        events,
        underWay,
      };
    }
    const open = async () => {
      const connection = await this.#open();
      connection.onClose((reason) => this.#giveUp(live, closeReason(reason)));
      return connection;
    };
    const control = new ConnectionPool({ size: poolSizes.control, open });
    const query = new ConnectionPool({ size: poolSizes.query, open });
    const list = new ConnectionPool({ ...ofLists, open });
    const migration = new ConnectionPool({ size: poolSizes.migration, open });
    const inPools = new Map<string, ConnectionPool>();
    const inPool = (poolPath: string) => {
      let known = inPools.get(poolPath);
      if (known === undefined) {
        known = new ConnectionPool({ ...(poolPath === '' ? ofOwnPool : ofSharedPool), open });
        inPools.set(poolPath, known);
      }
      return known;
    };
    const end = (error: HypervisorError) =>
      [control, query, list, migration, ...inPools.values()].flatMap((pool) => pool.end(error));
    const live: Live = { control, query, list, migration, inPool, end, events, underWay };
    return live;
  }

  async #beat(live: Live): Promise<void> {
    while (this.#live === live) {
      try {
        await live.underWay.orLost(live.events.libVersion({ deadlineMs: heartbeat.deadlineMs }));
      } catch (error) {
        return this.#giveUp(live, asHypervisorError(error).message);
      }
      await new Promise((resolve) => setTimeout(resolve, heartbeat.intervalMs).unref());
    }
  }

  #giveUp(live: Live, error: string): void {
    if (this.#live !== live) return;
    this.#live = null;
    void this.#drop(live, new HypervisorError('unavailable', error));
    this.#failed(error);
  }

  /** Ends everything that is under way on these connections, and closes them. */
  #drop(live: Live, error: HypervisorError): Promise<void> {
    live.underWay.lose(error);
    return hangUp([...live.end(error), live.events]);
  }

  #failed(error: string): void {
    if (this.#closed) return;
    this.#lastError = error;
    this.#listener.unavailable(error);
    const pause = Math.min(reconnect.longestMs, reconnect.firstMs * 2 ** Math.min(this.#attempt++, 10));
    this.#timer = setTimeout(() => void this.#connect(), pause);
  }
}

/** Closes connections without waiting for a daemon that may not answer. */
async function hangUp(connections: Connection[]): Promise<void> {
  const closing = [...new Set(connections)].map((connection) => connection.close({ deadlineMs: 1_000 }));
  await Promise.allSettled(closing);
}

function closeReason(reason: number): string {
  const reasons = ['the connection broke', 'libvirt ended it', 'libvirt does not answer', 'it was closed'];
  return `the connection to libvirt is gone: ${reasons[reason] ?? 'unknown reason'}`;
}
