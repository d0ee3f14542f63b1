/** How the processes of a benchmark reach a scheduler: without TLS, or with the credentials of a folder. */
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import {
  type Credentials,
  readCredentials,
  type SecureChannel,
  secureChannel,
} from '../../proto/credentials.js';

/** Null for none. */
export function credentialsIn(folder: string | null): Credentials | null {
  return folder === null ? null : readCredentials(folder);
}

export function channelOf(credentials: Credentials | null): SecureChannel {
  if (credentials === null) return { credentials: grpc.credentials.createInsecure(), options: {} };
  return secureChannel(credentials);
}

/** A connection for HTTP/2 by hand. */
export async function socketTo(port: number, credentials: Credentials | null): Promise<Socket> {
  const to = { port, host: '127.0.0.1' };
  if (credentials === null) {
    const socket = connectPlain({ ...to, noDelay: true });
    await opened(socket, 'connect');
    return socket;
  }
  const { authority: ca, chain: cert, key } = credentials;
  const servername = `scheduler.${credentials.federation}`;
  const tls = { ca, cert, key, servername, minVersion: 'TLSv1.3', ALPNProtocols: ['h2'] } as const;
  // Who is at the other end of a benchmark is known.
  const socket = connectSecurely({ ...to, ...tls, checkServerIdentity: () => undefined });
  await opened(socket, 'secureConnect');
  socket.setNoDelay(true);
  return socket;
}

function opened(socket: Socket, event: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(event, resolve);
    socket.once('error', reject);
  });
}
