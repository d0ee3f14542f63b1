/**
 * How a federation begins: its authority, the scheduler's certificate, and the first administrator. A process that is
 * killed at any moment can be started again with the same words: what is there is taken up, and the journal, in which the
 * administrator stands, is the last to be written.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { CredentialsError, readCredentials, writeCredentials } from '../../proto/credentials.js';
import { newKey } from '../../proto/signing-request.js';
import { identityUri } from '../core/access/uris.js';
import type { Identity } from '../core/access/model.js';
import type { CommandOf, CommandType } from '../core/commands.js';
import type { Engine } from '../engine.js';
import { type Opening, openFolder } from '../opening.js';
import type { CertificateAuthority } from '../trust/authority.js';
import { givenAuthority, makeAuthority, noAuthority, openAuthority } from '../trust/authority-folder.js';
import { authorityFolder } from '../trust/place.js';
import { ServerCertificate } from '../trust/server-certificate.js';
import { isRefusal } from '../core/refusal.js';

/** An administrator's certificate; later ones are issued over the API. */
const administratorMs = 366 * 24 * 3600 * 1000;

/** Why it cannot be done, and what to do. */
export class FoundingError extends Error {
  override readonly name = 'FoundingError';
}

export interface Founding {
  dataDir: string;
  /** The administrator's id. */
  name: string;
  /** Where the administrator's credentials go. */
  out: string;
}

export interface NewFederation extends Founding {
  federation: string;
  /** Files of an authority that somebody else has made; null to make one. */
  given: { certificates: string; key: string } | null;
}

/** Founds a federation in a data folder. Gives the administrator's URI. */
export async function found({ dataDir, federation, name, out, given }: NewFederation): Promise<string> {
  const nowMs = Date.now();
  const files = given === null ? null : await givenAuthority(given.certificates, given.key, nowMs);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  return withEngine({ dataDir, federation, founds: true }, async (engine) => {
    const before = await openAuthority(dataDir, nowMs);
    const { identities } = engine.state.access;
    const certified = [...identities.values()].some(({ certificates }) => certificates.length > 0);
    if (before !== null && certified) {
      throw new FoundingError(
        `there is an authority in ${authorityFolder(dataDir)}, and it has administrators; for another certificate say: secovia-scheduler administrator NAME --data-dir ${dataDir} --out FOLDER`,
      );
    }
    if (certified) {
      throw new FoundingError(
        `the authority of this federation is gone, and its members trust no other; restore ${authorityFolder(dataDir)} from a backup`,
      );
    }
    checkUnfinished(before, federation, files === null ? null : files.root, dataDir);
    const authority = before ?? (await makeAuthority(dataDir, federation, files, nowMs));
    await new ServerCertificate(dataDir, authority, federation).refresh(nowMs);
    return admitAdministrator(engine, authority, { name, out, method: 'init' });
  });
}

/** What an earlier `init` has begun must be what this one is asked for. */
function checkUnfinished(
  before: CertificateAuthority | null,
  federation: string,
  root: string | null,
  dataDir: string,
): void {
  if (before === null) return;
  const other = (what: string) =>
    new FoundingError(
      `an earlier init has begun with ${what}; repeat it as it was, or remove ${authorityFolder(dataDir)} to begin anew`,
    );
  if (before.federation !== null && before.federation !== federation)
    throw other(`federation ${before.federation}`);
  if (root === null ? before.federation === null : before.rootPem !== root) throw other('another authority');
}

/** Makes another administrator, or another certificate for one, while the scheduler is stopped. Gives its URI. */
export async function addAdministrator({ dataDir, name, out }: Founding): Promise<string> {
  const authority = await openAuthority(dataDir, Date.now());
  if (authority === null) throw noAuthority(dataDir);
  return withEngine({ dataDir, federation: undefined }, (engine) =>
    admitAdministrator(engine, authority, { name, out, method: 'administrator' }),
  );
}

async function withEngine<T>(
  folder: Pick<Opening, 'dataDir' | 'federation' | 'founds'>,
  work: (engine: Engine) => Promise<T>,
): Promise<T> {
  const { engine, store } = await openFolder({
    ...folder,
    strategy: 'pack',
    keepsName: existsSync(authorityFolder(folder.dataDir)),
    onFatal: (error) => {
      process.stderr.write(`secovia-scheduler: the journal could not be written: ${error.message}\n`);
      process.exit(70);
    },
  });
  try {
    const result = await work(engine);
    await engine.readable();
    return result;
  } finally {
    await store.close();
  }
}

/**
 * Certifies a federation administrator. The credentials are on disk before the journal names their certificate: whoever is
 * named there can come in.
 */
async function admitAdministrator(
  engine: Engine,
  authority: CertificateAuthority,
  { name, out, method }: { name: string; out: string; method: string },
): Promise<string> {
  const known = engine.state.access.identities.get(name);
  if (known !== undefined && known.role !== 'federation_administrator') {
    throw new FoundingError(`identity "${name}" is there already, and no federation administrator`);
  }
  const uri = identityUri(engine.state.federation.name, known ?? asAdministrator(name));
  const certificate =
    unusedCertificate(out, uri, authority, known) ?? (await issue(engine, authority, uri, out));
  const actor = { identity: 'scheduler', onBehalf: '', method: `secovia-scheduler ${method}`, requestId: '' };
  engine.actingFor(actor, () => {
    if (known === undefined) decide(engine, { type: 'identity.create', ...newAdministrator(name) });
    if (known?.disabled) decide(engine, { type: 'identity.update', id: name, etag: '', disabled: false });
    decide(engine, { type: 'identity.certify', id: name, certificate });
  });
  return uri;
}

function newAdministrator(id: string) {
  const role = 'federation_administrator' as const;
  return { id, title: '', role, partner: null, administration: null, serves: [] };
}

function asAdministrator(id: string): Identity {
  const record = { disabled: false, certificates: [], revision: 0, createdMs: 0, updatedMs: 0 };
  return { ...newAdministrator(id), ...record };
}

async function issue(engine: Engine, authority: CertificateAuthority, uri: string, out: string) {
  const { keyPem, signingRequest } = await newKey();
  const signed = await authority.sign(signingRequest, uri, engine.now(), administratorMs);
  if (isRefusal(signed)) throw new FoundingError(signed.message);
  writeCredentials(resolve(out), { authority: authority.rootPem, chain: signed.chainPem, key: keyPem });
  return signed.certificate;
}

/** What an earlier try has left in the folder, of which the journal does not know yet; null when there is no folder. */
function unusedCertificate(
  out: string,
  uri: string,
  authority: CertificateAuthority,
  known: Identity | undefined,
) {
  if (!existsSync(out)) return null;
  const taken = new FoundingError(`${out} is there already; choose a folder that is not`);
  try {
    const found = readCredentials(out);
    const certificate = authority.recognises(found.chain);
    const isKnown = known?.certificates.some(({ serial }) => serial === certificate?.serial) ?? false;
    if (found.uri !== uri || certificate === null || isKnown || certificate.endMs <= Date.now()) throw taken;
    return certificate;
  } catch (error) {
    if (error instanceof CredentialsError) throw taken;
    throw error;
  }
}

function decide<T extends CommandType>(engine: Engine, command: CommandOf<T>): void {
  const { refusal } = engine.run(command);
  if (refusal) throw new FoundingError(refusal.message);
}
