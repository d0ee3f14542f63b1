/**
 * The connections that are open, each with what its certificate proves. There is room for so many: strangers, who have
 * shown no good certificate, make room for newer ones, and no member can take it all.
 */
import type { Socket } from 'node:net';
import type { Caller } from '../core/access/caller.js';
import { refuse } from '../core/refusal.js';
import type { Proof } from './proof.js';

export interface ConnectionLimits {
  /** All together; what comes beyond is turned away. */
  total: number;
  /** Those who have shown no certificate that is good now, or nothing yet: the oldest goes when another one comes. */
  strangers: number;
  /** Of one owner. */
  perOwner: number;
  /** How long a stranger may stay, in milliseconds. */
  strangerLifeMs: number;
}

export const usualLimits: ConnectionLimits = {
  total: 20_000,
  strangers: 1024,
  perOwner: 256,
  strangerLifeMs: 60_000,
};

const farewellMs = 250;

const revoked = refuse(
  'unauthenticated',
  'CERTIFICATE_REVOKED',
  'the certificate of this connection was revoked, or its owner was disabled or taken away',
);

/** `null` as long as the handshake is under way. */
interface Connection {
  socket: Socket;
  proof: Proof | null;
  owner: string;
  /** When it is ended from here. */
  leaving: NodeJS.Timeout;
}

export class Connections {
  readonly #limits: ConnectionLimits;
  /** By address and port of the other end. */
  readonly #open = new Map<string, Connection>();
  readonly #strangers = new Set<string>();
  readonly #owners = new Map<string, Set<string>>();

  readonly #isMember: (caller: Caller) => boolean;

  /**
   * `isMember` tells whether a proof is of any use: a certificate that was revoked, or has ended, proves its owner all the same,
   * and whoever has stolen it must not take the owner's room.
   */
  constructor(limits: ConnectionLimits, isMember: (caller: Caller) => boolean = () => true) {
    this.#limits = limits;
    this.#isMember = isMember;
  }

  get size(): number {
    return this.#open.size;
  }

  get strangers(): number {
    return this.#strangers.size;
  }

  /** Takes a socket in, or ends it where there is no room. */
  arrived(socket: Socket): boolean {
    const peer = peerOf(socket);
    // Behind a translated address two clients can have the same port, towards two addresses of ours: it would not be known
    // whose a call is. The later one tries again from another port.
    if (peer === null || this.#open.has(peer) || this.#open.size >= this.#limits.total) {
      socket.destroy();
      return false;
    }
    if (this.#strangers.size >= this.#limits.strangers) {
      const [oldest = ''] = this.#strangers;
      this.drop(oldest);
    }
    const leaving = setTimeout(() => socket.destroy(), this.#limits.strangerLifeMs);
    leaving.unref();
    this.#open.set(peer, { socket, proof: null, owner: '', leaving });
    this.#strangers.add(peer);
    socket.once('close', () => {
      if (this.#open.get(peer)?.socket === socket) this.#forget(peer);
    });
    return true;
  }

  /** Ends a connection. */
  drop(peer: string): void {
    this.#open.get(peer)?.socket.destroy();
    this.#forget(peer);
  }

  /** Notes what a connection proves; false when it has gone meanwhile, or its owner has too many. */
  proved(socket: Peer, proof: Proof): boolean {
    const peer = peerOf(socket);
    const connection = peer === null ? undefined : this.#open.get(peer);
    if (peer === null || connection === undefined) return false;
    connection.proof = proof;
    if ('refusal' in proof || proof.caller.subject.kind === 'nobody') return true;
    if (!this.#isMember(proof.caller)) return true;
    const owner = ownerOf(proof.caller.subject as { kind: string; id: string });
    const theirs = this.#owners.get(owner) ?? new Set();
    if (theirs.size >= this.#limits.perOwner) return false;
    clearTimeout(connection.leaving);
    this.#strangers.delete(peer);
    connection.owner = owner;
    this.#owners.set(owner, theirs.add(peer));
    return true;
  }

  /** What the connection of a call proves. */
  proofAt(peer: string): Proof | null {
    return this.#open.get(peer)?.proof ?? null;
  }

  /**
   * Ends the connections of an owner: all, or those made with certificates that `isOver`. Nothing more is taken from them
   * from now on; what has been said to the other end, such as why, may still get there.
   */
  cut(kind: 'host' | 'identity', id: string, isOver: (caller: Caller) => boolean = () => true): number {
    let ended = 0;
    for (const peer of this.#owners.get(ownerOf({ kind, id })) ?? []) {
      const connection = this.#open.get(peer);
      const proof = connection?.proof;
      if (!connection || !proof || 'refusal' in proof || !isOver(proof.caller)) continue;
      connection.proof = { refusal: revoked };
      connection.leaving = setTimeout(() => connection.socket.destroy(), farewellMs);
      ended += 1;
    }
    return ended;
  }

  #forget(peer: string): void {
    const connection = this.#open.get(peer);
    if (connection === undefined) return;
    clearTimeout(connection.leaving);
    this.#open.delete(peer);
    this.#strangers.delete(peer);
    const theirs = this.#owners.get(connection.owner);
    theirs?.delete(peer);
    if (theirs?.size === 0) this.#owners.delete(connection.owner);
  }
}

export interface Peer {
  remoteAddress?: string;
  remotePort?: number;
}

function ownerOf({ kind, id }: { kind: string; id: string }): string {
  return `${kind}/${id}`;
}

/** As gRPC names the other end of a call; null when it is not connected any more. */
export function peerOf({ remoteAddress, remotePort }: Peer): string | null {
  return remoteAddress === undefined || remotePort === undefined ? null : `${remoteAddress}:${remotePort}`;
}
