/**
 * Where the agent keeps who it is: the federation's root, its certificate, and its key. The key is made here, is on disk
 * before anybody hears of it, and stays the same until the host enrols anew; so a call whose answer was lost is repeated
 * with the same key, and a renewed certificate is one file that is replaced.
 */
import { existsSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type Credentials,
  CredentialsError,
  credentialFiles,
  type CredentialTexts,
  readCredentials,
  writeCredentials,
} from '../../proto/credentials.js';
import { makeFolder, replaceFile, textOf } from '../../proto/durable-folder.js';
import { newKey } from '../../proto/signing-request.js';
import type { Validity } from './renewal-plan.js';
import { OperatorError } from '../operator-error.js';

export class IdentityError extends OperatorError {
  override readonly name = 'IdentityError';
}

export class IdentityFolder {
  /** The key of a host that has asked to join and was not answered yet. */
  readonly #joining: string;
  readonly #previous: string;

  constructor(readonly path: string) {
    this.#joining = `${path}.joining`;
    this.#previous = `${path}.previous`;
  }

  /** Null when this host has not joined. @throws IdentityError for what cannot be used. */
  read(): Credentials | null {
    try {
      return readCredentials(this.path);
    } catch (error) {
      if (!(error instanceof CredentialsError)) throw error;
      if (error.missing) return null;
      throw new IdentityError(error.message);
    }
  }

  /**
   * When the certificate came here and when it ends: its own beginning lies before it was made, for clocks that are slow.
   */
  validity({ startMs, endMs }: Credentials): Validity {
    const cameMs = statSync(join(this.path, credentialFiles.chain), { throwIfNoEntry: false })?.mtimeMs;
    return { startMs: Math.min(endMs, Math.max(startMs, cameMs ?? startMs)), endMs };
  }

  /** The key to join with: the one that was made for it before, as long as that was not answered. */
  async joiningKey(): Promise<string> {
    const file = join(this.#joining, credentialFiles.key);
    const known = textOf(file);
    if (known !== null) {
      if (statSync(file).mode & 0o077)
        throw new IdentityError(`others can read ${file}: delete it, and join again`);
      return known;
    }
    const { keyPem } = await newKey();
    try {
      makeFolder(this.#joining, { [credentialFiles.key]: keyPem });
    } catch (error) {
      throw new IdentityError(`the key cannot be kept in ${dirname(this.path)}: ${(error as Error).message}`);
    }
    return keyPem;
  }

  /** The next one is another. */
  forgetJoining(): void {
    rmSync(this.#joining, { recursive: true, force: true });
  }

  /** Becomes what the scheduler has said; whoever it was before is forgotten. */
  become(texts: CredentialTexts): void {
    rmSync(this.#previous, { recursive: true, force: true });
    if (existsSync(this.path)) renameSync(this.path, this.#previous);
    writeCredentials(this.path, texts);
    rmSync(this.#previous, { recursive: true, force: true });
    this.forgetJoining();
  }

  /** A newer certificate of the same key. */
  renewed(chain: string): void {
    replaceFile(join(this.path, credentialFiles.chain), chain);
  }
}
