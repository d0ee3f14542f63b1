/**
 * The life of a connection: how it is opened and closed, who hears of its events and its loss, and how what the
 * addon throws becomes an error. The calls that it offers are in calls.ts.
 */
import { loadAddon, type NativeAddon } from './addon.js';
import { Calls } from './calls.js';
import { asError, ErrorCode, ownError, UNAVAILABLE_CODE } from './errors.js';
import type { CallOptions, Connection, LibvirtEvent, OpenOptions } from './index.js';

let lastId = 0;
const connections = new Map<number, LibvirtConnection>();

/** Runs a listener such that its exception is an uncaught one of the process, and spares the other listeners. */
function guarded(call: () => void): void {
  try {
    call();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

function onNews(kind: 'event' | 'closed', id: number, value: unknown): void {
  const connection = connections.get(id);
  if (kind === 'closed') connection?.lost(value as number);
  else connection?.happened(value as LibvirtEvent);
}

/**
 * Opens a connection. It stays open until `close()`, whether or not anybody refers to it, and does not keep the
 * process alive by itself; calls that are under way do.
 */
export async function openConnection(uri: string, options?: OpenOptions): Promise<Connection> {
  const addon = loadAddon();
  if (typeof addon === 'string') throw ownError(addon, UNAVAILABLE_CODE, 'openConnection');
  addon.listen(onNews);
  const id = ++lastId;
  const connection = new LibvirtConnection(addon, id, uri);
  connections.set(id, connection);
  try {
    await addon.open(id, options, uri);
  } catch (error) {
    connections.delete(id);
    throw asError(error, 'openConnection');
  }
  return connection;
}

class LibvirtConnection extends Calls implements Connection {
  readonly uri: string;
  readonly #addon: NativeAddon;
  readonly #id: number;
  readonly #lossListeners: ((reason: number) => void)[] = [];
  readonly #eventListeners = new Set<{ hear: (event: LibvirtEvent) => void }>();
  #lossReason: number | undefined;
  #closing: Promise<void> | undefined;

  constructor(addon: NativeAddon, id: number, uri: string) {
    super();
    this.#addon = addon;
    this.#id = id;
    this.uri = uri;
  }

  /** The addon says that the connection is gone. */
  lost(reason: number): void {
    if (this.#lossReason !== undefined) return;
    this.#lossReason = reason;
    for (const listener of this.#lossListeners.splice(0)) guarded(() => listener(reason));
  }

  /** The addon has heard of an event. */
  happened(event: LibvirtEvent): void {
    for (const { hear } of [...this.#eventListeners]) guarded(() => hear(event));
  }

  onClose(listener: (reason: number) => void): void {
    if (typeof listener !== 'function') throw new TypeError('listener must be a function');
    const reason = this.#lossReason;
    if (reason === undefined) this.#lossListeners.push(listener);
    else queueMicrotask(() => listener(reason));
  }

  async onEvent(
    listener: (event: LibvirtEvent) => void,
    options?: CallOptions,
  ): Promise<() => Promise<void>> {
    if (typeof listener !== 'function') throw new TypeError('listener must be a function');
    const entry = { hear: listener };
    // Listening starts before the answer, since the first events may come with it.
    this.#eventListeners.add(entry);
    try {
      await this.call('subscribe', options);
    } catch (error) {
      this.#eventListeners.delete(entry);
      throw error;
    }
    return async () => {
      if (this.#eventListeners.delete(entry)) await this.call('unsubscribe', undefined);
    };
  }

  close(options?: CallOptions): Promise<void> {
    if (this.#closing) return this.#closing;
    try {
      const closed = this.#addon.close(this.#id, options);
      this.#closing = closed.catch((error: unknown) => Promise.reject(asError(error, 'close')));
    } catch (error) {
      // Refused arguments closed nothing.
      return Promise.reject(error);
    }
    connections.delete(this.#id);
    this.#eventListeners.clear();
    return this.#closing;
  }

  protected async call<Result>(
    name: string,
    options: CallOptions | undefined,
    ...args: unknown[]
  ): Promise<Result> {
    if (this.#closing)
      throw ownError(`the connection to ${this.uri} is closed`, ErrorCode.INVALID_CONN, name);
    const operation = this.#addon.operations[name];
    if (!operation) throw ownError(`the libvirt addon has no ${name}`, ErrorCode.NO_SUPPORT, name);
    try {
      // `await` keeps the caller's line in the stack of the error that is made below.
      return (await operation(this.#id, options, ...args)) as Result;
    } catch (error) {
      throw asError(error, name);
    }
  }
}
