/**
 * libvirt's storage pools that hold VMs' volumes: `secovia` for the host's own folder, and one for each shared
 * pool's folder. They are only libvirt's view of a folder, so they are defined again on every new connection.
 */
import { createHash } from 'node:crypto';
import type { Connection } from '../../../native/index.js';
import { element, render } from './xml.js';

const ownPool = 'secovia';

export class PoolDirectory {
  readonly #ownPath: string;
  /** Definitions under way or done on the present connection, by folder. */
  readonly #ensured = new Map<string, Promise<string>>();

  constructor(ownPath: string) {
    this.#ownPath = ownPath;
  }

  forget(): void {
    this.#ensured.clear();
  }

  /**
   * Works in the active pool for this folder; the empty path means the host's own. When that fails, libvirt may have set the pool
   * inactive, as it does with one whose folder it could not read: the next use activates it.
   */
  async use<T>(connection: Connection, poolPath: string, work: (pool: string) => Promise<T>): Promise<T> {
    const pool = await this.ensure(connection, poolPath);
    try {
      return await work(pool);
    } catch (error) {
      this.#ensured.delete(this.#pathOf(poolPath));
      throw error;
    }
  }

  #pathOf(poolPath: string): string {
    return poolPath === '' ? this.#ownPath : poolPath;
  }

  /** The name of the active pool for this folder; the empty path means the host's own. */
  ensure(connection: Connection, poolPath: string): Promise<string> {
    const path = this.#pathOf(poolPath);
    let ensured = this.#ensured.get(path);
    if (ensured === undefined) {
      ensured = ensurePool(connection, poolPath === '' ? ownPool : sharedPoolName(path), path);
      ensured.catch(() => this.#ensured.delete(path));
      this.#ensured.set(path, ensured);
    }
    return ensured;
  }
}

async function ensurePool(connection: Connection, name: string, path: string): Promise<string> {
  const xml = render(
    element(
      'pool',
      { type: 'dir' },
      element('name', {}, name),
      // The same folder gives the same pool, so defining it again changes nothing.
      element('uuid', {}, uuidOf(`secovia-pool:${path}`)),
      element('target', {}, element('path', {}, path)),
    ),
  );
  const pool = await connection.poolDefine(xml);
  if (!pool.active) await connection.poolStart(name);
  return name;
}

const sharedPoolName = (path: string): string =>
  `${ownPool}-${createHash('sha256').update(path).digest('hex').slice(0, 12)}`;

/** A UUID that is made of the text: version 8, RFC 9562. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const variant = ((Number.parseInt(hex[16] ?? '0', 16) & 0x3) | 0x8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
