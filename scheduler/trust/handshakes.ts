/**
 * Connections wait here for their handshakes. A handshake costs more than anything else that a stranger can ask for, and after
 * an outage all agents ask at once: begun together, none would end before the other ends lose patience, and whoever calls
 * meanwhile would wait for all of them. So one is begun in a turn of the loop, and few are under way at a time. What
 * is hung up while it waits costs nothing, and what has waited for long is let go, so that its owner tries again later. The
 * oldest and the newest take turns, so that whoever comes in the middle of an outage's end does not wait for everybody.
 */
import type { Socket } from 'node:net';
import { type Peer, peerOf } from './connections.js';

export interface HandshakeLimits {
  /** Handshakes that are under way at a time. */
  underWay: number;
  /** A handshake whose other end is slow goes on, but after so many milliseconds it keeps nobody else waiting. */
  slowMs: number;
  /** How long a connection may say nothing, in milliseconds. */
  silentMs: number;
  /** How long it may then wait, in milliseconds: less than an agent waits for an answer. */
  waitMs: number;
  /** Connections that wait at a time. Beyond it those that have said nothing make room, and where none is silent, newer ones go. */
  waiting: number;
}

export const usualHandshakes: HandshakeLimits = {
  underWay: 32,
  slowMs: 500,
  silentMs: 10_000,
  waitMs: 15_000,
  waiting: 12_000,
};

/** Nobody needs more to begin a handshake. */
const mostBytes = 16 * 1024;

interface Waiting {
  peer: string;
  /** What it has said, which is read so that it is noticed when it hangs up. */
  said: Buffer[];
  stop(): void;
}

export class Handshakes {
  readonly #limits: HandshakeLimits;
  readonly #begin: (socket: Socket) => void;
  /** Those that have said nothing yet, the oldest first. */
  readonly #silent = new Set<Socket>();
  /** Those that have said something, in this order. */
  readonly #ready = new Map<Socket, Waiting>();
  /** The same, and some that wait no more; the newest is the last. */
  #newest: Socket[] = [];
  #isNewestsTurn = false;
  /** By the other end: a TLS socket is another object than the socket that it was made of. */
  readonly #underWay = new Map<string, NodeJS.Timeout>();
  #scheduled = false;

  /** `begin` takes a socket over, with all that was said on it to be read once more. */
  constructor(limits: HandshakeLimits, begin: (socket: Socket) => void) {
    this.#limits = limits;
    this.#begin = begin;
  }

  /** Connections that have said something and wait for their turn. */
  get waiting(): number {
    return this.#ready.size;
  }

  /** Takes a socket of which nothing was read yet. It is destroyed when its turn does not come in time. */
  take(socket: Socket): void {
    if (!this.#makeRoom()) {
      socket.destroy();
      return;
    }
    this.#silent.add(socket);
    const waiting: Waiting = { peer: peerOf(socket) ?? '', said: [], stop: () => {} };
    let bytes = 0;
    const read = () => {
      for (let piece: Buffer | null = socket.read(); piece !== null; piece = socket.read()) {
        waiting.said.push(piece);
        bytes += piece.length;
      }
      if (bytes > mostBytes) socket.destroy();
      else if (bytes > 0 && this.#silent.delete(socket)) {
        clearTimeout(tooLong);
        tooLong = setTimeout(letGo, this.#limits.waitMs);
        this.#ready.set(socket, waiting);
        this.#newest.push(socket);
        // If it has hung up already, that is read in the next turn.
        setImmediate(() => setImmediate(() => this.#schedule()));
      }
    };
    const letGo = () => socket.destroy();
    let tooLong = setTimeout(letGo, this.#limits.silentMs);
    waiting.stop = () => {
      clearTimeout(tooLong);
      socket.off('readable', read).off('end', letGo);
    };
    socket.on('readable', read).once('end', letGo);
    socket.once('close', () => {
      waiting.stop();
      this.#silent.delete(socket);
      this.#ready.delete(socket);
      this.#ended(waiting.peer);
    });
  }

  #makeRoom(): boolean {
    if (this.#silent.size + this.#ready.size < this.#limits.waiting) return true;
    const [silent] = this.#silent;
    if (silent === undefined) return false;
    this.#silent.delete(silent);
    silent.destroy();
    return true;
  }

  /** A handshake has ended, well or not. */
  ended(socket: Peer): void {
    this.#ended(peerOf(socket) ?? '');
  }

  #ended(peer: string): void {
    const slow = this.#underWay.get(peer);
    if (slow === undefined) return;
    clearTimeout(slow);
    this.#underWay.delete(peer);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#ready.size === 0 || this.#underWay.size >= this.#limits.underWay) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      const next = this.#takeNext();
      if (next === null) return;
      const [socket, { peer, said, stop }] = next;
      stop();
      this.#underWay.set(
        peer,
        setTimeout(() => this.#ended(peer), this.#limits.slowMs),
      );
      socket.unshift(Buffer.concat(said));
      this.#begin(socket);
      this.#schedule();
    });
  }

  #takeNext(): [Socket, Waiting] | null {
    const isNewest = this.#isNewestsTurn;
    this.#isNewestsTurn = !isNewest;
    let [[socket] = []] = this.#ready;
    if (isNewest) {
      do socket = this.#newest.pop();
      while (socket !== undefined && !this.#ready.has(socket));
    }
    if (this.#newest.length > 2 * this.#ready.size) {
      this.#newest = this.#newest.filter((each) => this.#ready.has(each));
    }
    const waiting = socket && this.#ready.get(socket);
    if (socket === undefined || waiting === undefined) return null;
    this.#ready.delete(socket);
    return [socket, waiting];
  }
}
