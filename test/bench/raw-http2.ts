/**
 * A load generator that speaks just enough HTTP/2 over a socket: one header block for all calls, frames cut by
 * length, nothing decoded but what flow control needs. It costs so little that it measures the server.
 */
import type { Socket } from 'node:net';

const frame = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7, windowUpdate: 8 };
const flag = { ack: 1, endStream: 1, endHeaders: 4 };
const largestWindow = 2 ** 31 - 1;

function frameOf(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** HPACK: a literal that enters no table, name and value as they are. */
function literal(name: string, value: string): Buffer {
  const length = (text: string) =>
    text.length < 127 ? Buffer.from([text.length]) : Buffer.from([127, text.length - 127]);
  return Buffer.concat([
    Buffer.from([0]),
    length(name),
    Buffer.from(name),
    length(value),
    Buffer.from(value),
  ]);
}

function headerBlock(authority: string, path: string): Buffer {
  return Buffer.concat([
    // Indexed: `:method: POST` and `:scheme: http`.
    Buffer.from([0x83, 0x86]),
    literal(':path', path),
    literal(':authority', authority),
    literal('te', 'trailers'),
    literal('content-type', 'application/grpc'),
  ]);
}

/** What a client begins with: the magic words, and windows that never stop the server. */
function preface(): Buffer {
  const initialWindow = Buffer.alloc(6);
  initialWindow.writeUInt16BE(4, 0);
  initialWindow.writeUInt32BE(largestWindow, 2);
  return Buffer.concat([
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    frameOf(frame.settings, 0, 0, initialWindow),
    frameOf(frame.windowUpdate, 0, 0, uint32(largestWindow - 65_535)),
  ]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value, 0);
  return bytes;
}

function prefixed(message: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0]), uint32(message.length), message]);
}

/** Cuts what arrives into frames. */
class Frames {
  #rest: Buffer = Buffer.alloc(0);

  constructor(
    private readonly take: (type: number, flags: number, stream: number, payload: Buffer) => void,
  ) {}

  read(bytes: Buffer): void {
    let buffer = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    while (buffer.length >= 9) {
      const end = 9 + buffer.readUIntBE(0, 3);
      if (buffer.length < end) break;
      this.take(buffer[3] as number, buffer[4] as number, buffer.readUInt32BE(5), buffer.subarray(9, end));
      buffer = buffer.subarray(end);
    }
    this.#rest = buffer;
  }
}

export interface LoadResult {
  calls: number;
  /** Calls that ended without a message: the server refused them. */
  failures: number;
  seconds: number;
}

/** Keeps `inFlight` unary calls under way on one connection for `seconds`. */
export async function rawHttp2Load(
  socket: Socket,
  options: { port: number; path: string; inFlight: number; seconds: number; next(): Buffer },
): Promise<LoadResult> {
  const generator = new Generator(socket, options);
  return generator.run(options.seconds);
}

class Generator {
  readonly #block: Buffer;
  #stream = 1;
  #calls = 0;
  #failures = 0;
  /** Bytes that the server still takes on this connection. */
  #window = 65_535;
  #withData = new Set<number>();
  #waiting = 0;
  readonly #frames = new Frames((...frame) => this.#frame(...frame));
  #output: Buffer[] = [];
  #received = 0;
  #ended = false;
  #open = 0;
  #finish: () => void = () => {};

  constructor(
    private readonly socket: Socket,
    private readonly options: { port: number; path: string; inFlight: number; next(): Buffer },
  ) {
    this.#block = headerBlock(`127.0.0.1:${options.port}`, options.path);
  }

  async run(seconds: number): Promise<LoadResult> {
    const finished = new Promise<void>((resolve) => {
      this.#finish = resolve;
    });
    this.#output.push(preface());
    this.socket.on('data', (bytes: Buffer) => this.#read(bytes));
    const startedNs = process.hrtime.bigint();
    for (let call = 0; call < this.options.inFlight; call += 1) this.#call();
    this.#flush();
    const timer = setTimeout(() => {
      this.#ended = true;
    }, seconds * 1000);
    await finished;
    clearTimeout(timer);
    const took = Number(process.hrtime.bigint() - startedNs) / 1e9;
    this.socket.destroy();
    return { calls: this.#calls, failures: this.#failures, seconds: took };
  }

  #call(): void {
    const message = this.options.next();
    if (message.length + 5 > this.#window) {
      this.#waiting += 1;
      return;
    }
    this.#window -= message.length + 5;
    this.#open += 1;
    this.#output.push(
      frameOf(frame.headers, flag.endHeaders, this.#stream, this.#block),
      frameOf(frame.data, flag.endStream, this.#stream, prefixed(message)),
    );
    this.#stream += 2;
  }

  #flush(): void {
    if (this.#output.length === 0) return;
    this.socket.write(this.#output.length === 1 ? (this.#output[0] as Buffer) : Buffer.concat(this.#output));
    this.#output = [];
  }

  #read(bytes: Buffer): void {
    this.#frames.read(bytes);
    this.#flush();
    if (this.#ended && this.#open === 0) this.#finish();
  }

  #frame(type: number, flags: number, stream: number, payload: Buffer): void {
    switch (type) {
      case frame.data:
        this.#withData.add(stream);
        this.#received += payload.length;
        if (this.#received > 2 ** 28) {
          this.#output.push(frameOf(frame.windowUpdate, 0, 0, uint32(this.#received)));
          this.#received = 0;
        }
        if ((flags & flag.endStream) !== 0) this.#done(stream);
        break;
      case frame.headers:
        if ((flags & flag.endStream) !== 0) this.#done(stream);
        break;
      case frame.settings:
        if ((flags & flag.ack) === 0)
          this.#output.push(frameOf(frame.settings, flag.ack, 0, Buffer.alloc(0)));
        break;
      case frame.ping:
        if ((flags & flag.ack) === 0)
          this.#output.push(frameOf(frame.ping, flag.ack, 0, Buffer.from(payload)));
        break;
      case frame.windowUpdate:
        if (stream === 0) this.#window += payload.readUInt32BE(0) & largestWindow;
        while (this.#waiting > 0 && this.#window > 4096) {
          this.#waiting -= 1;
          this.#call();
        }
        break;
      case frame.reset:
        this.#failures += 1;
        this.#done(stream);
        break;
      case frame.goaway:
        throw new Error('the server closed the connection under load');
    }
  }

  #done(stream: number): void {
    if (!this.#withData.delete(stream)) this.#failures += 1;
    this.#calls += 1;
    this.#open -= 1;
    if (!this.#ended) this.#call();
  }
}

/** One stream with many messages from here, whose answers are only counted. */
export function rawHttp2Stream(
  socket: Socket,
  port: number,
  path: string,
): { write(message: Buffer): void; onFirstMessage(listener: () => void): void } {
  const block = headerBlock(`127.0.0.1:${port}`, path);
  socket.write(Buffer.concat([preface(), frameOf(frame.headers, flag.endHeaders, 1, block)]));
  let listener: (() => void) | null = null;
  let received = 0;
  const frames = new Frames((type, flags, _stream, payload) => {
    const acked = (flags & flag.ack) !== 0;
    if (type === frame.settings && !acked)
      socket.write(frameOf(frame.settings, flag.ack, 0, Buffer.alloc(0)));
    if (type === frame.ping && !acked) socket.write(frameOf(frame.ping, flag.ack, 0, Buffer.from(payload)));
    if (type !== frame.data) return;
    received += payload.length;
    listener?.();
    listener = null;
  });
  socket.on('data', (bytes: Buffer) => {
    frames.read(bytes);
    if (received < 2 ** 20) return;
    const back = uint32(received);
    socket.write(frameOf(frame.windowUpdate, 0, 0, back));
    socket.write(frameOf(frame.windowUpdate, 0, 1, back));
    received = 0;
  });
  socket.on('close', () => process.exit(0));
  return {
    write: (message) => socket.write(frameOf(frame.data, 0, 1, prefixed(message))),
    onFirstMessage: (given) => {
      listener = given;
    },
  };
}
