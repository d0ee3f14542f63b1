/**
 * A scheduler as it is in earnest: founded with `init`, speaking TLS alone, and called with certificates. Its authority is
 * opened here too, so that a test can have any certificate that it needs.
 */
import { join } from 'node:path';
import { type Credentials, readCredentials, secureChannel } from '../../../proto/credentials.js';
import { newKey } from '../../../proto/signing-request.js';
import { found, type NewFederation } from '../../../scheduler/founding/founding.js';
import type { CertificateAuthority } from '../../../scheduler/trust/authority.js';
import { openAuthority } from '../../../scheduler/trust/authority-folder.js';
import { runProgram } from '../run-program.js';
import { type Scope, temporaryFolder } from '../scope.js';
import type { Role } from '../../../proto/gen/secovia/v1/Role.js';
import { Api } from './client.js';
import { SchedulerProcess } from './scheduler-process.js';

export const federation = 'lab';

export class SecureScheduler {
  private constructor(
    private readonly t: Scope,
    readonly scheduler: SchedulerProcess,
    /** The first administrator's. */
    readonly credentials: Credentials,
    readonly credentialsFolder: string,
    readonly authority: CertificateAuthority,
    readonly api: Api,
  ) {}

  static async start(t: Scope, flags: string[] = []): Promise<SecureScheduler> {
    const folder = temporaryFolder(t);
    const dataDir = join(folder, 'data');
    const out = join(folder, 'root');
    await foundHere(dataDir, out);
    const authority = await openAuthority(dataDir, Date.now());
    if (authority === null) throw new Error('init has made no authority');
    const scheduler = await SchedulerProcess.start(t, { dataDir, flags, secure: true });
    const credentials = readCredentials(out);
    const api = new Api(scheduler.address, { secure: secureChannel(credentials) });
    t.teardown(() => api.close());
    return new SecureScheduler(t, scheduler, credentials, out, authority, api);
  }

  get address(): string {
    return this.scheduler.address;
  }

  /** A client with these credentials; without any as nobody, who trusts this federation. */
  as(credentials: Credentials | null): Api {
    const { authority } = this.credentials;
    const api = new Api(this.address, { secure: secureChannel(credentials ?? { authority, federation }) });
    this.t.teardown(() => api.close());
    return api;
  }

  /** A client of an identity that is made for it. */
  async identity(id: string, role: Role, more = {}): Promise<Api> {
    await this.api.call('CreateIdentity', { identityId: id, identity: { role, ...more } });
    const { keyPem, signingRequest } = await newKey();
    const name = `identities/${id}`;
    const { certificateChain, identity } = await this.api.call('IssueCertificate', { name, signingRequest });
    const [endMs, startMs] = [Date.now() + 3600_000, Date.now()];
    const own = { chain: certificateChain, key: keyPem, uri: identity?.uri ?? '', startMs, endMs };
    return this.as({ ...this.credentials, ...own });
  }

  /** Signed by the federation's authority, whatever the URI is. */
  signed(path: string, life: { nowMs?: number; lifeMs?: number } = {}): Promise<Credentials> {
    return signedBy(this.authority, `spiffe://${federation}/${path}`, life);
  }
}

/** What `init` does, in this process. Gives the administrator's URI. */
export function foundHere(
  dataDir: string,
  out: string,
  given: NewFederation['given'] = null,
): Promise<string> {
  return found({ dataDir, federation, name: 'root', out, given });
}

/** `secovia-scheduler init`, run to its end. */
export function init(dataDir: string, out: string, more: string[] = []) {
  const words = ['--data-dir', dataDir, '--federation', federation, '--admin', 'root', '--out', out];
  return runProgram(['init', ...words, ...more]);
}

/** Credentials with a certificate that this authority signs for a URI. */
export async function signedBy(
  authority: CertificateAuthority,
  uri: string,
  { nowMs = Date.now(), lifeMs = 3600_000 } = {},
): Promise<Credentials> {
  const { keyPem, signingRequest } = await newKey();
  const signed = await authority.sign(signingRequest, uri, nowMs, lifeMs);
  if ('kind' in signed) throw new Error(signed.message);
  return {
    authority: authority.rootPem,
    federation: uri.split('/')[2] ?? '',
    chain: signed.chainPem,
    key: keyPem,
    uri,
    startMs: nowMs,
    endMs: nowMs + lifeMs,
  };
}
