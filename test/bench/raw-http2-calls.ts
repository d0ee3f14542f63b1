/** Unary calls over a socket by hand: whoever makes them hears when each has ended, and of nothing else. */
import type { Socket } from 'node:net';
import {
  flag,
  frame,
  Frames,
  frameOf,
  headerBlock,
  largestWindow,
  preface,
  prefixed,
  setting,
  uint32,
} from './raw-http2-frames.js';

export interface CallsOptions {
  port: number;
  path: string;
  next(): Buffer;
  /** A call has ended; `tag` is what it was made with. Without a message it was refused. */
  ended(tag: number, withMessage: boolean): void;
}

const maxConcurrentStreams = 3;

interface Call {
  tag: number;
  withMessage: boolean;
}

export class RawCalls {
  readonly #block: Buffer;
  readonly #frames = new Frames((...frame) => this.#frame(...frame));
  readonly #open = new Map<number, Call>();
  #stream = 1;
  /** Bytes that the server still takes on this connection. */
  #window = 65_535;
  /** Calls that the server takes at a time. */
  #mostOpen = Number.POSITIVE_INFINITY;
  /** Calls that the server has no room for yet, the oldest first. */
  #waiting: { tag: number; message: Buffer }[] = [];
  #output: Buffer[] = [preface()];
  #received = 0;

  constructor(
    private readonly socket: Socket,
    private readonly options: CallsOptions,
  ) {
    this.#block = headerBlock(`127.0.0.1:${options.port}`, options.path);
    socket.on('data', (bytes: Buffer) => {
      this.#frames.read(bytes);
      this.flush();
    });
    socket.on('close', () => {
      if (this.underWay > 0) throw new Error(`the server hung up with ${this.underWay} calls under way`);
    });
  }

  /** Calls that have not ended. */
  get underWay(): number {
    return this.#open.size + this.#waiting.length;
  }

  /** Makes a call, which leaves with the next `flush`; those that are made while one ends leave by themselves. */
  call(tag: number): void {
    const message = this.options.next();
    if (this.#waiting.length === 0 && this.#hasRoomFor(message)) this.#send(tag, message);
    else this.#waiting.push({ tag, message });
  }

  #hasRoomFor(message: Buffer): boolean {
    return this.#open.size < this.#mostOpen && message.length + 5 <= this.#window;
  }

  flush(): void {
    if (this.#output.length === 0) return;
    this.socket.write(this.#output.length === 1 ? (this.#output[0] as Buffer) : Buffer.concat(this.#output));
    this.#output = [];
  }

  #send(tag: number, message: Buffer): void {
    this.#window -= message.length + 5;
    this.#open.set(this.#stream, { tag, withMessage: false });
    this.#output.push(
      frameOf(frame.headers, flag.endHeaders, this.#stream, this.#block),
      frameOf(frame.data, flag.endStream, this.#stream, prefixed(message)),
    );
    this.#stream += 2;
  }

  #sendWaiting(): void {
    let sent = 0;
    for (const { tag, message } of this.#waiting) {
      if (!this.#hasRoomFor(message)) break;
      this.#send(tag, message);
      sent += 1;
    }
    if (sent > 0) this.#waiting.splice(0, sent);
  }

  #frame(type: number, flags: number, stream: number, payload: Buffer): void {
    switch (type) {
      case frame.data: {
        const call = this.#open.get(stream);
        if (call !== undefined) call.withMessage = true;
        this.#received += payload.length;
        if (this.#received > 2 ** 28) {
          this.#output.push(frameOf(frame.windowUpdate, 0, 0, uint32(this.#received)));
          this.#received = 0;
        }
        if ((flags & flag.endStream) !== 0) this.#done(stream);
        break;
      }
      case frame.headers:
        if ((flags & flag.endStream) !== 0) this.#done(stream);
        break;
      case frame.settings:
        if ((flags & flag.ack) !== 0) break;
        this.#mostOpen = setting(payload, maxConcurrentStreams) ?? this.#mostOpen;
        this.#output.push(frameOf(frame.settings, flag.ack, 0, Buffer.alloc(0)));
        break;
      case frame.ping:
        if ((flags & flag.ack) === 0)
          this.#output.push(frameOf(frame.ping, flag.ack, 0, Buffer.from(payload)));
        break;
      case frame.windowUpdate:
        if (stream === 0) this.#window += payload.readUInt32BE(0) & largestWindow;
        this.#sendWaiting();
        break;
      case frame.reset: {
        const call = this.#open.get(stream);
        if (call !== undefined) call.withMessage = false;
        this.#done(stream);
        break;
      }
      case frame.goaway:
        throw new Error('the server closed the connection under load');
    }
  }

  #done(stream: number): void {
    const call = this.#open.get(stream);
    if (call === undefined) return;
    this.#open.delete(stream);
    this.options.ended(call.tag, call.withMessage);
    if (this.#waiting.length > 0) this.#sendWaiting();
  }
}
