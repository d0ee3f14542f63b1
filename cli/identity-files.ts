/**
 * Keys and certificates of identities on this machine: a key is made here and stays here, and what is sent is a request
 * to certify it. A folder that is there already is one whose certificate is to be renewed: it keeps its key.
 */
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import {
  CredentialsError,
  credentialFiles,
  readCredentials,
  writeCredentials,
} from '../proto/credentials.js';
import { makeFolder, replaceFile } from '../proto/durable-folder.js';
import { exitCodes, Failure, usageFailure } from './failure.js';

/** What the authority has answered, PEM. */
export interface Certified {
  chain: string;
  authority: string;
}

/** A key that is to be certified, and where the certificate goes. */
export interface Certifying {
  signingRequest: Buffer;
  /** Writes what the authority has answered into the folder. @throws Failure when it cannot be written. */
  keep(certified: Certified): void;
}

const mostRequestBytes = 64 * 1024;

/** With a new key, the one that is there, or the one that a request from elsewhere is about. `id` is the identity's. */
export async function certifying(
  out: string,
  id: string,
  signingRequest: string | undefined,
): Promise<Certifying> {
  if (signingRequest !== undefined) {
    if (existsSync(out)) throw usageFailure(`${out} is there already: choose a folder that is not.`);
    mustBeWritable(out);
    const request = requestIn(signingRequest);
    const { authority, chain } = credentialFiles;
    return {
      signingRequest: request,
      keep: written(out, (certified) =>
        makeFolder(out, { [authority]: certified.authority, [chain]: certified.chain }),
      ),
    };
  }
  const { newKey, requestFor } = await import('../proto/signing-request.js');
  if (!existsSync(out)) {
    mustBeWritable(out);
    const { keyPem, signingRequest: request } = await newKey();
    return {
      signingRequest: request,
      keep: written(out, (certified) => writeCredentials(out, { ...certified, key: keyPem })),
    };
  }
  const key = keyOf(out, id);
  return {
    signingRequest: await requestFor(key).catch(() => {
      throw new Failure(`the key in ${out} is none of those that this command makes.`, exitCodes.refused);
    }),
    keep: written(out, (certified) => {
      replaceFile(join(out, credentialFiles.authority), certified.authority);
      replaceFile(join(out, credentialFiles.chain), certified.chain);
    }),
  };
}

/** Before anything is asked for: a certificate that cannot be kept would be of no use. */
function mustBeWritable(out: string): void {
  let above = dirname(resolve(out));
  while (!existsSync(above) && above !== dirname(above)) above = dirname(above);
  try {
    if (!statSync(above).isDirectory()) throw new Error(`${above} is no folder`);
    accessSync(above, constants.W_OK);
  } catch (error) {
    throw usageFailure(`${out} cannot be made: ${(error as Error).message}.`);
  }
}

/** The key in a folder of credentials, if they are of this identity. */
function keyOf(out: string, id: string): string {
  try {
    const { key, uri } = readCredentials(out);
    if (uri.slice(uri.lastIndexOf('/') + 1) === id) return key;
    throw usageFailure(`${out} has the credentials of ${uri}: choose another folder.`);
  } catch (error) {
    if (!(error instanceof CredentialsError)) throw error;
    throw usageFailure(`${out} is there already, and ${error.message}: choose another folder.`);
  }
}

/** PKCS#10, in PEM or DER. */
function requestIn(path: string): Buffer {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw usageFailure(`${path} cannot be read: ${(error as Error).message}.`);
  }
  if (bytes.length > mostRequestBytes) throw usageFailure(`${path} is too large for a signing request.`);
  const pem = /-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----([\s\S]+?)-----END/.exec(bytes.toString('latin1'));
  return pem === null ? bytes : Buffer.from(pem[1] as string, 'base64');
}

function written(out: string, write: (certified: Certified) => void): (certified: Certified) => void {
  return (certified) => {
    try {
      write(certified);
    } catch (error) {
      throw new Failure(`${out} cannot be written: ${(error as Error).message}.`, exitCodes.unexpected);
    }
  };
}
