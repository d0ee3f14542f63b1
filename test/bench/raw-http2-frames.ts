/**
 * Just enough of HTTP/2 to call over a socket by hand: one header block for all calls, frames cut by length, nothing
 * decoded but what flow control needs.
 */
export const frame = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7, windowUpdate: 8 };
export const flag = { ack: 1, endStream: 1, endHeaders: 4 };
export const largestWindow = 2 ** 31 - 1;

export function frameOf(type: number, flags: number, stream: number, payload: Buffer): Buffer {
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

export function headerBlock(authority: string, path: string): Buffer {
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
export function preface(): Buffer {
  const initialWindow = Buffer.alloc(6);
  initialWindow.writeUInt16BE(4, 0);
  initialWindow.writeUInt32BE(largestWindow, 2);
  return Buffer.concat([
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    frameOf(frame.settings, 0, 0, initialWindow),
    frameOf(frame.windowUpdate, 0, 0, uint32(largestWindow - 65_535)),
  ]);
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value, 0);
  return bytes;
}

export function prefixed(message: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0]), uint32(message.length), message]);
}

/** What a SETTINGS frame says of one of them; undefined when it says nothing. */
export function setting(payload: Buffer, id: number): number | undefined {
  for (let at = 0; at + 6 <= payload.length; at += 6) {
    if (payload.readUInt16BE(at) === id) return payload.readUInt32BE(at + 2);
  }
  return undefined;
}

/** Cuts what arrives into frames. */
export class Frames {
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
