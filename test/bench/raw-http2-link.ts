/**
 * One gRPC stream on a connection of its own, by hand, as an agent has it: messages in both directions, and the pings by
 * which a dead connection is noticed. It costs its process so little that one can hold thousands.
 */
import type { Socket } from 'node:net';
import { flag, frame, Frames, frameOf, headerBlock, preface, prefixed, uint32 } from './raw-http2-frames.js';

export interface RawLinkListener {
  received(message: Buffer): void;
  writable(): void;
  /** Called once, and never after `close`. */
  ended(reason: string): void;
}

/** Of the agent's own channel, see agent/link/grpc-transport.ts. */
const pingEveryMs = 10_000;
const pingTimeoutMs = 5_000;

/** What is received before the other end gets that much room back. */
const returnBytes = 2 ** 20;
const nothing = Buffer.alloc(0);
const ping = frameOf(frame.ping, 0, 0, Buffer.alloc(8));

export class RawLink {
  readonly #frames = new Frames((type, flags, _stream, payload) => this.#frame(type, flags, payload));
  readonly #pings: NodeJS.Timeout;
  #pingTimeout: NodeJS.Timeout | null = null;
  /** The beginning of a message that has not all come yet. */
  #message: Buffer = nothing;
  #received = 0;
  #over = false;

  /** `socket` is connected, and nothing was said on it yet. */
  constructor(
    private readonly socket: Socket,
    port: number,
    path: string,
    private readonly listener: RawLinkListener,
  ) {
    const block = headerBlock(`127.0.0.1:${port}`, path);
    socket.write(Buffer.concat([preface(), frameOf(frame.headers, flag.endHeaders, 1, block)]));
    socket.on('data', (bytes: Buffer) => this.#frames.read(bytes));
    socket.on('drain', () => this.#over || listener.writable());
    socket.once('close', () => this.#end('the connection is lost'));
    this.#pings = setInterval(() => this.#ping(), pingEveryMs);
  }

  /** False when no more should be written until `writable`. What an agent says at a time is far less than a window. */
  send(message: Buffer): boolean {
    return this.#over || this.socket.write(frameOf(frame.data, 0, 1, prefixed(message)));
  }

  close(): void {
    this.#stop();
    this.socket.destroy();
  }

  #end(reason: string): void {
    if (this.#over) return;
    this.close();
    this.listener.ended(reason);
  }

  #stop(): void {
    this.#over = true;
    clearInterval(this.#pings);
    if (this.#pingTimeout !== null) clearTimeout(this.#pingTimeout);
  }

  #ping(): void {
    this.socket.write(ping);
    this.#pingTimeout ??= setTimeout(() => this.#end('a ping was not answered'), pingTimeoutMs);
  }

  #frame(type: number, flags: number, payload: Buffer): void {
    if (this.#over) return;
    const acked = (flags & flag.ack) !== 0;
    switch (type) {
      case frame.data:
        this.#data(payload);
        return;
      case frame.headers:
        if ((flags & flag.endStream) !== 0) this.#end('the scheduler ended the stream');
        return;
      case frame.settings:
        if (!acked) this.socket.write(frameOf(frame.settings, flag.ack, 0, nothing));
        return;
      case frame.ping:
        if (!acked) this.socket.write(frameOf(frame.ping, flag.ack, 0, Buffer.from(payload)));
        else if (this.#pingTimeout !== null) {
          clearTimeout(this.#pingTimeout);
          this.#pingTimeout = null;
        }
        return;
      case frame.reset:
        this.#end('the scheduler broke the stream off');
        return;
      case frame.goaway:
        this.#end('the scheduler closes the connection');
        return;
    }
  }

  #data(payload: Buffer): void {
    this.#received += payload.length;
    if (this.#received >= returnBytes) {
      const back = uint32(this.#received);
      this.socket.write(frameOf(frame.windowUpdate, 0, 0, back));
      this.socket.write(frameOf(frame.windowUpdate, 0, 1, back));
      this.#received = 0;
    }
    let bytes = this.#message.length === 0 ? payload : Buffer.concat([this.#message, payload]);
    while (bytes.length >= 5) {
      const end = 5 + bytes.readUInt32BE(1);
      if (bytes.length < end) break;
      this.listener.received(bytes.subarray(5, end));
      if (this.#over) return;
      bytes = bytes.subarray(end);
    }
    // What is kept must not keep the whole of what was read.
    this.#message = bytes.length === 0 ? nothing : Buffer.from(bytes);
  }
}
