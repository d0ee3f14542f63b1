/**
 * How a client proves who it is, and knows that it talks to its scheduler: a folder with the federation's root, a
 * certificate with those that it is verified by, and its key. Command line and agent connect alike.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import { makeFolder, textOf } from './durable-folder.js';

export const credentialFiles = { authority: 'authority.pem', chain: 'certificate.pem', key: 'key.pem' };

/** Whom a client trusts. */
export interface Trust {
  /** PEM of the federation's root. */
  authority: string;
  federation: string;
}

export interface Credentials extends Trust {
  /** PEM: the certificate, then those that it is verified by, without the root. */
  chain: string;
  /** PEM. */
  key: string;
  /** `spiffe://FEDERATION/...`, as the certificate names its owner. */
  uri: string;
  /** Of the certificate, in milliseconds since 1970. */
  startMs: number;
  endMs: number;
}

/** The message is a sentence without its full stop. */
export class CredentialsError extends Error {
  override readonly name = 'CredentialsError';

  constructor(
    message: string,
    /** There are none at all. */
    readonly missing = false,
  ) {
    super(message);
  }
}

/**
 * Reads a folder. Whether the certificate has expired is for the reader to judge: it may be renewed yet.
 *
 * @throws CredentialsError when something is missing, wrong, or open to others.
 */
export function readCredentials(folder: string): Credentials {
  const text = (name: string): string => {
    const read = textOf(join(folder, name));
    if (read === null) throw new CredentialsError(`there is no ${name} in ${folder}`);
    return read;
  };
  try {
    const { authority: root, chain: own, key: secret } = credentialFiles;
    if (Object.values(credentialFiles).every((name) => textOf(join(folder, name)) === null))
      throw new CredentialsError(`there are no credentials in ${folder}`, true);
    if ((statSync(join(folder, secret), { throwIfNoEntry: false })?.mode ?? 0) & 0o077)
      throw new CredentialsError(
        `others can read ${join(folder, secret)}; say chmod 600 ${join(folder, secret)}, and if they are not to be trusted have the certificate revoked`,
      );
    const files = { authority: text(root), chain: text(own), key: text(secret) };
    return { ...files, ...factsOf(files, folder) };
  } catch (error) {
    if (error instanceof CredentialsError) throw error;
    throw new CredentialsError(`the credentials in ${folder} cannot be read: ${(error as Error).message}`);
  }
}

function factsOf({ authority, chain, key }: CredentialTexts, folder: string) {
  let certificate: X509Certificate;
  let fits: boolean;
  try {
    new X509Certificate(authority);
    certificate = new X509Certificate(chain);
    fits = certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    throw new CredentialsError(`the credentials in ${folder} cannot be read: they must be PEM`);
  }
  if (!fits) throw new CredentialsError(`the key in ${folder} is not that of the certificate beside it`);
  const uri = uriOf(certificate);
  const federation = /^spiffe:\/\/([a-z0-9-]+)\//.exec(uri ?? '')?.[1];
  if (uri === null || federation === undefined)
    throw new CredentialsError(`the certificate in ${folder} names nobody of a federation`);
  const { validFrom, validTo } = certificate;
  return { uri, federation, startMs: Date.parse(validFrom), endMs: Date.parse(validTo) };
}

export type CredentialTexts = Pick<Credentials, 'authority' | 'chain' | 'key'>;

/** Makes a folder of credentials, which must not be there yet: whole or not at all, and the key for its owner alone. */
export function writeCredentials(folder: string, { authority, chain, key }: CredentialTexts): void {
  const { authority: root, chain: own, key: secret } = credentialFiles;
  makeFolder(folder, { [root]: authority, [own]: chain, [secret]: key });
}

/** The URI that a certificate names its owner by; null when it has not exactly one. */
export function uriOf({ subjectAltName }: X509Certificate): string | null {
  return /^URI:([^\s,"]+)$/.exec(subjectAltName ?? '')?.[1] ?? null;
}

/** What the error of a connection begins with when the other end is somebody else. */
export const strangerWords = 'the server is not the scheduler of federation';

export interface SecureChannel {
  credentials: grpc.ChannelCredentials;
  /** To be given to the channel with its others. */
  options: grpc.ChannelOptions;
}

/** TLS 1.3 to the scheduler of a federation; without credentials as nobody, who may join. */
export function secureChannel(trust: Trust | Credentials): SecureChannel {
  const { authority, federation } = trust;
  const own = 'key' in trust ? { key: trust.key, cert: trust.chain } : {};
  const context = createSecureContext({ ca: authority, minVersion: 'TLSv1.3', ...own });
  const credentials = grpc.ChannelCredentials.createFromSecureContext(context, {
    // Where the scheduler is reached says nothing; what its certificate calls it does.
    checkServerIdentity: (_host, { raw }) =>
      uriOf(new X509Certificate(raw)) === `spiffe://${federation}/scheduler`
        ? undefined
        : new Error(`${strangerWords} ${federation}`),
  });
  // An address is no name that TLS could send.
  return { credentials, options: { 'grpc.ssl_target_name_override': `scheduler.${federation}` } };
}
