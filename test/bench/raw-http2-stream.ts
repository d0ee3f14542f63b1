/** A stream of a call that both sides go on with, over a socket by hand: it costs its process next to nothing. */
import type { Socket } from 'node:net';
import { flag, frame, Frames, frameOf, headerBlock, preface, prefixed, uint32 } from './raw-http2-frames.js';

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
