/** An authority of somebody else, which has signed an intermediate for a federation. */
import { createPrivateKey, generateKeyPairSync, webcrypto } from 'node:crypto';
import * as x509 from '../../../scheduler/trust/x509.js';

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

export interface Intermediate {
  /** PEM of the intermediate alone. */
  chain: string;
  key: string;
  root: string;
}

export interface Root {
  pem: string;
  key: string;
}

/** A root that may sign authorities: those of federations may not. */
export async function corporateRoot(): Promise<Root> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=Corporate root',
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 365 * 24 * 3600 * 1000),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  return {
    pem: `${certificate.toString('pem')}\n`,
    key: createPrivateKey({ key, format: 'der', type: 'pkcs8' })
      .export({ format: 'pem', type: 'pkcs8' })
      .toString(),
  };
}

export async function intermediate(name: string, above?: Root): Promise<Intermediate> {
  const { pem, key } = above ?? (await corporateRoot());
  const root = new x509.X509Certificate(pem);
  const signingKey = await webcrypto.subtle.importKey(
    'pkcs8',
    createPrivateKey(key).export({ format: 'der', type: 'pkcs8' }),
    algorithm,
    false,
    ['sign'],
  );
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=Intermediate of ${name}`,
    issuer: root.subjectName,
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 300 * 24 * 3600 * 1000),
    signingAlgorithm: algorithm,
    publicKey: new x509.PublicKey(publicKey.export({ format: 'der', type: 'spki' })),
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  });
  return {
    chain: `${certificate.toString('pem')}\n`,
    key: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    root: pem,
  };
}
