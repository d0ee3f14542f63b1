/**
 * Where connections come in. With TLS the scheduler makes the handshakes itself and hands what is left, a socket that is
 * as good as a plain one, to the gRPC server: so the certificate is looked at once a connection and not at every call.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import type { Logger } from 'pino';
import type { Connections } from './connections.js';
import { Handshakes, usualHandshakes } from './handshakes.js';
import { noProof, proofOf, type Trusted } from './proof.js';
import type { ServerCertificate } from './server-certificate.js';

/** How long a handshake may take. */
const handshakeMs = 10_000;

/** How often it is looked at whether the scheduler's certificate is to be exchanged. */
const refreshMs = 3600 * 1000;

export interface Listener {
  readonly port: number;
  /** No connection is taken any more; those that are open stay. */
  stop(): void;
}

export interface SecureListener extends Listener {
  /** Exchanges the scheduler's certificate where that is due; connections that are open do not notice. */
  refresh(): Promise<void>;
}

export interface SecureListening {
  server: grpc.Server;
  host: string;
  port: number;
  log: Logger;
  connections: Connections;
  certificate: ServerCertificate;
  trusted: Trusted;
  /** Milliseconds since 1970, by the wall clock: so those judge who connect. */
  now(): number;
}

/** TLS 1.3 and nothing else; whoever shows no certificate gets in, and is nobody. */
export async function listenSecurely(options: SecureListening): Promise<SecureListener> {
  const { server, connections, certificate, log, now } = options;
  await certificate.refresh(now());
  const injector = server.createConnectionInjector(grpc.ServerCredentials.createInsecure());
  const tls = createTlsServer({
    ...certificate.context(),
    requestCert: true,
    rejectUnauthorized: false,
    ALPNProtocols: ['h2'],
    handshakeTimeout: handshakeMs,
  });
  const handshakes = new Handshakes(usualHandshakes, (socket) => {
    if (connections.arrived(socket)) tls.emit('connection', socket);
  });
  tls.on('tlsClientError', (error, socket) => {
    log.debug({ reason: error.message }, 'a handshake failed');
    socket.destroy();
  });
  tls.on('secureConnection', (socket) => {
    handshakes.ended(socket);
    socket.on('error', ignored);
    if (socket.alpnProtocol === 'h2' && connections.proved(socket, proofIn(socket, options))) {
      injector.injectConnection(socket);
    } else socket.destroy();
  });
  const refresh = async () => {
    try {
      if (await certificate.refresh(now())) tls.setSecureContext(certificate.context());
    } catch (error) {
      log.error({ err: error }, 'the scheduler’s certificate could not be exchanged');
    }
  };
  const timer = setInterval(() => void refresh(), refreshMs);
  timer.unref();
  // Before the handshake begins: what is turned away here has cost next to nothing.
  const listening = createServer((socket) => {
    socket.on('error', ignored);
    handshakes.take(socket);
  });
  const port = await listen(listening, options);
  return {
    port,
    refresh,
    stop: () => {
      clearInterval(timer);
      listening.close();
    },
  };
}

function proofIn(socket: TLSSocket, { trusted }: SecureListening) {
  const certificate = socket.getPeerX509Certificate();
  return certificate === undefined ? noProof : proofOf(certificate, trusted);
}

async function listen(server: Server, { host, port, log }: SecureListening): Promise<number> {
  server.listen({ host, port });
  await once(server, 'listening');
  server.on('error', (error) => log.error({ err: error }, 'no connection can be taken for the moment'));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it has no port');
  return address.port;
}

/** A connection that breaks is nobody's fault here; whoever uses it hears of its end. */
function ignored(): void {}
