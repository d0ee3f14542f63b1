/**
 * Connections wait here for their handshakes. A handshake costs more than anything else that a stranger can ask for, and after
 * an outage all agents ask at once: begun together, none would end before the other ends lose patience, and whoever calls
 * meanwhile would wait for all of them. So one is begun in a turn of the loop, and few are under way at a time. What
 * is hung up while it waits costs nothing, and what has waited for long is let go, so that its owner tries again later.
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
}

export const usualHandshakes: HandshakeLimits = {
  underWay: 16,
  slowMs: 500,
  silentMs: 10_000,
  waitMs: 3_000,
};

/** Nobody needs more to begin a handshake. */
const mostBytes = 16 * 1024;

interface Waiting {
  peer: string;
  /** What it has said, which is read so that it is noticed when it hangs up. */
  said: Buffer[];
  heard: boolean;
  stop(): void;
}

export class Handshakes {
  readonly #limits: HandshakeLimits;
  readonly #begin: (socket: Socket) => void;
  /** Those that have said something, in this order. */
  readonly #ready = new Map<Socket, Waiting>();
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
    const peer = peerOf(socket) ?? '';
    const waiting: Waiting = { peer, said: [], heard: false, stop: () => {} };
    let bytes = 0;
    const read = () => {
      for (let piece: Buffer | null = socket.read(); piece !== null; piece = socket.read()) {
        waiting.said.push(piece);
        bytes += piece.length;
      }
      if (bytes > mostBytes) socket.destroy();
      else if (bytes > 0 && !waiting.heard) {
        waiting.heard = true;
        clearTimeout(tooLong);
        tooLong = setTimeout(letGo, this.#limits.waitMs);
        // If it has hung up already, that is read in the next turn.
        setImmediate(() => setImmediate(() => this.#heard(socket, waiting)));
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
      this.#ready.delete(socket);
      this.#ended(peer);
    });
  }

  #heard(socket: Socket, waiting: Waiting): void {
    if (socket.destroyed) return;
    this.#ready.set(socket, waiting);
    this.#schedule();
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
      const [first] = this.#ready;
      if (first === undefined) return;
      const [socket, { peer, said, stop }] = first;
      stop();
      this.#ready.delete(socket);
      this.#underWay.set(
        peer,
        setTimeout(() => this.#ended(peer), this.#limits.slowMs),
      );
      socket.unshift(Buffer.concat(said));
      this.#begin(socket);
      this.#schedule();
    });
  }
}
