/** Where the authority is kept: `authority/` in the scheduler's data folder, made once, for its owner alone. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AuthorityError, type AuthorityFiles, CertificateAuthority, certificatesIn } from './authority.js';
import { makeRoot } from './certificates.js';
import { authorityFolder } from './place.js';
import { makeFolder, textOf } from '../../proto/durable-folder.js';

const names = { root: 'authority.pem', chain: 'chain.pem', key: 'authority.key' };

/**
 * The authority of a data folder; null when it has none.
 *
 * @throws AuthorityError when it cannot be used; the message is a whole sentence.
 */
export async function openAuthority(dataDir: string, nowMs: number): Promise<CertificateAuthority | null> {
  const folder = authorityFolder(dataDir);
  try {
    const root = textOf(join(folder, names.root));
    const key = textOf(join(folder, names.key));
    if (root === null && key === null) return null;
    if (root === null || key === null)
      throw new AuthorityError(
        `${root === null ? names.root : names.key} is missing; restore it from a backup`,
      );
    // Whoever reads the key can be anybody.
    if ((statSync(join(folder, names.key)).mode & 0o077) !== 0)
      throw new AuthorityError(
        `${names.key} can be read by others; say chmod 600 ${join(folder, names.key)}`,
      );
    return await CertificateAuthority.open(
      { root, key, chain: textOf(join(folder, names.chain)) ?? '' },
      nowMs,
    );
  } catch (error) {
    throw new AuthorityError(`the authority in ${folder} cannot be used: ${(error as Error).message}`);
  }
}

/** Makes an authority, and keeps it. */
export async function makeAuthority(
  dataDir: string,
  federation: string,
  given: AuthorityFiles | null,
  nowMs: number,
): Promise<CertificateAuthority> {
  const made = given === null ? await makeRoot(federation, nowMs) : null;
  const files = made === null ? (given as AuthorityFiles) : { root: made.pem, chain: '', key: made.key };
  const authority = await CertificateAuthority.open(files, nowMs);
  makeFolder(authorityFolder(dataDir), {
    [names.root]: files.root,
    [names.key]: files.key,
    ...(files.chain === '' ? {} : { [names.chain]: files.chain }),
  });
  return authority;
}

/**
 * An authority that an operator gives: the file of certificates begins with the one that signs and ends with the root.
 *
 * @throws AuthorityError with a whole sentence.
 */
export async function givenAuthority(
  certificates: string,
  key: string,
  nowMs: number,
): Promise<AuthorityFiles> {
  try {
    const path = certificatesIn(readFileSync(certificates, 'utf8')).map((one) => one.toString());
    const root = path.pop();
    if (root === undefined) throw new AuthorityError('there is no certificate in it');
    const files = { root, chain: path.join(''), key: readFileSync(key, 'utf8') };
    await CertificateAuthority.open(files, nowMs);
    return files;
  } catch (error) {
    throw new AuthorityError(
      `the authority of ${certificates} and ${key} cannot be used: ${(error as Error).message}`,
    );
  }
}

/** What to do where there is none. */
export function noAuthority(dataDir: string): AuthorityError {
  return new AuthorityError(
    `there is no authority in ${dataDir}; found a federation with: secovia-scheduler init --data-dir ${dataDir} --federation NAME --admin NAME --out FOLDER; or, on this machine alone, run with --insecure`,
  );
}
