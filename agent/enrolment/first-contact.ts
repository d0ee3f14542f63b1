/**
 * The first contact with a scheduler: nothing is known of it but the fingerprint in the join token. The server sends its
 * whole chain; the root in it is the federation's if it has that fingerprint, and then everything else is verified by it.
 */
import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { connect, type DetailedPeerCertificate } from 'node:tls';
import { X509Certificate } from 'node:crypto';
import { endpointOf } from '../../proto/loopback.js';

export type Contact =
  /** PEM. */
  { root: string } | { fault: 'unreachable' | 'stranger'; message: string };

const timeoutMs = 8_000;
/** A chain is a few certificates; whoever sends more is no scheduler. */
const longestChain = 10;

/** Asks who answers at this address, HOST:PORT, and believes nothing but the fingerprint (SHA-256, hexadecimal). */
export function rootAt(address: string, fingerprint: string, federation: string): Promise<Contact> {
  const { host, port } = endpointOf(address);
  return new Promise((resolve) => {
    const socket = connect({
      host,
      port,
      ALPNProtocols: ['h2'],
      minVersion: 'TLSv1.3',
      // It proves nothing yet; what is verified is the root that it sends.
      rejectUnauthorized: false,
      ...(isIP(host) === 0 ? { servername: host } : { servername: `scheduler.${federation}` }),
    });
    const end = (contact: Contact) => {
      socket.destroy();
      resolve(contact);
    };
    const unreachable = (why: string) =>
      end({ fault: 'unreachable', message: `no scheduler answers at ${address} (${why})` });
    socket.setTimeout(timeoutMs, () => unreachable('no answer in time'));
    socket.on('error', (error: NodeJS.ErrnoException) => unreachable(error.code ?? error.message));
    socket.on('close', () => unreachable('it ended the connection'));
    socket.once('secureConnect', () => {
      const sent = chainOf(socket.getPeerCertificate(true));
      const root = sent.find((der) => createHash('sha256').update(der).digest('hex') === fingerprint);
      if (root !== undefined) return end({ root: new X509Certificate(root).toString() });
      const last = sent.at(-1);
      const shown = last === undefined ? 'none' : createHash('sha256').update(last).digest('hex');
      return end({
        fault: 'stranger',
        message:
          `whoever answers at ${address} is not the scheduler that made this token: its authority has the fingerprint ` +
          `${shown}, and the token names ${fingerprint}; find out who listens there before you try again`,
      });
    });
  });
}

/** The certificates that were sent, DER, the server's own first. */
function chainOf(first: DetailedPeerCertificate): Buffer[] {
  const chain: Buffer[] = [];
  let at: DetailedPeerCertificate | undefined = first;
  while (at?.raw !== undefined && chain.length < longestChain) {
    chain.push(at.raw);
    at = at.issuerCertificate === at ? undefined : at.issuerCertificate;
  }
  return chain;
}
