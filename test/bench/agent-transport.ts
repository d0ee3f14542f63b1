/**
 * How a simulated agent connects: mutual TLS on a connection of its own, and HTTP/2 by hand above it. It tries and waits as
 * the agent's own transport does (agent/link/grpc-transport.ts), whose channel tries by itself, after growing pauses, until
 * the attempt is given up.
 */
import type { SecureContext } from 'node:tls';
import { connect } from 'node:tls';
import type { LinkStream, StreamListener, Transport } from '../../agent/link/transport.js';
import { encoderOf } from '../../proto/encoder.js';
import type { LinkResponse, LinkResponse__Output } from '../../proto/gen/secovia/v1/LinkResponse.js';
import { messageCodec } from '../../proto/index.js';
import { RawLink } from './raw-http2-link.js';

const linkPath = '/secovia.v1.AgentService/Link';
/** An attempt is given up after it. */
const giveUpMs = 20_000;
/** The channel's pauses, each from the beginning of one try to that of the next. */
const pause = { firstMs: 500, growth: 1.6, longestMs: 3_000, jitter: 0.2 };

const encode = encoderOf('secovia.v1.LinkRequest');
const { deserialize } = messageCodec<LinkResponse, LinkResponse__Output>('secovia.v1.LinkResponse');

export class AgentTransport implements Transport {
  constructor(
    private readonly port: number,
    private readonly context: SecureContext,
    private readonly servername: string,
  ) {}

  open(listener: StreamListener): LinkStream {
    let link: RawLink | null = null;
    let over = false;
    let pauseMs = pause.firstMs;
    let again: NodeJS.Timeout | undefined;
    let giveUp = () => {};
    const ended = (reason: string) => {
      if (over) return;
      over = true;
      listener.ended(reason);
    };
    const tryOnce = () => {
      const beganMs = performance.now();
      const socket = connect({
        ...{ port: this.port, host: '127.0.0.1', servername: this.servername, ALPNProtocols: ['h2'] },
        secureContext: this.context,
        // Who is at the other end of a benchmark is known.
        checkServerIdentity: () => undefined,
      });
      socket.setNoDelay(true);
      socket.on('error', () => {});
      const retry = () => {
        if (over) return;
        const nextMs = beganMs + pauseMs * (1 + pause.jitter * (2 * Math.random() - 1));
        pauseMs = Math.min(pauseMs * pause.growth, pause.longestMs);
        again = setTimeout(tryOnce, Math.max(0, nextMs - performance.now()));
      };
      socket.once('close', retry);
      socket.once('secureConnect', () => {
        socket.off('close', retry);
        clearTimeout(deadline);
        link = new RawLink(socket, this.port, linkPath, {
          received: (message) => over || listener.received(deserialize(message)),
          writable: () => over || listener.writable(),
          ended,
        });
        listener.opened();
      });
      giveUp = () => socket.destroy();
    };
    const deadline = setTimeout(() => {
      clearTimeout(again);
      ended('no connection');
      giveUp();
    }, giveUpMs);
    tryOnce();
    return {
      send: (request) => over || link === null || link.send(encode(request)),
      close: () => {
        over = true;
        clearTimeout(deadline);
        clearTimeout(again);
        if (link !== null) link.close();
        else giveUp();
      },
    };
  }
}
