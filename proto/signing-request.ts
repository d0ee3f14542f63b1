/** A new key, and the PKCS#10 request by which an authority can certify it. The key never leaves whoever made it. */
import { createPrivateKey, createPublicKey, webcrypto } from 'node:crypto';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

export interface NewKey {
  /** PKCS#8, PEM. */
  keyPem: string;
  /** PKCS#10, DER. */
  signingRequest: Buffer;
}

/** It takes half a second of a processor to load, so it is when it is needed. */
async function library() {
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(webcrypto);
  return x509;
}

/** An EC P-256 key. */
export async function newKey(): Promise<NewKey> {
  const { PemConverter, Pkcs10CertificateRequestGenerator } = await library();
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const request = await Pkcs10CertificateRequestGenerator.create({ keys, signingAlgorithm: algorithm });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  return {
    keyPem: `${PemConverter.encode(key, 'PRIVATE KEY')}\n`,
    signingRequest: Buffer.from(request.rawData),
  };
}

/** A request for a key that is there already. @throws when it is not one of `newKey`. */
export async function requestFor(keyPem: string): Promise<Buffer> {
  const { Pkcs10CertificateRequestGenerator } = await library();
  const der = createPrivateKey(keyPem).export({ format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(keyPem).export({ format: 'der', type: 'spki' });
  const keys = {
    privateKey: await webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']),
    publicKey: await webcrypto.subtle.importKey('spki', spki, algorithm, true, ['verify']),
  };
  const request = await Pkcs10CertificateRequestGenerator.create({ keys, signingAlgorithm: algorithm });
  return Buffer.from(request.rawData);
}
