/**
 * `secovia-agent join`: makes this host known to a federation, and writes down what it was told. Joining again with
 * the same token gives the same answer, so it is safe to repeat.
 */
import { X509Certificate } from 'node:crypto';
import * as grpc from '@grpc/grpc-js';
import { type Credentials, secureChannel } from '../proto/credentials.js';
import type { JoinResponse__Output } from '../proto/gen/secovia/v1/JoinResponse.js';
import { decodeJoinWord, type JoinWord } from '../proto/join-token.js';
import { requestFor } from '../proto/signing-request.js';
import { CallFailed, insecureChannel, join as callJoin } from './enrolment/agent-call.js';
import { faultOf } from './enrolment/certificate-check.js';
import { rootAt } from './enrolment/first-contact.js';
import type { IdentityFolder } from './enrolment/identity-folder.js';
import { readMachineId } from './identity.js';
import { OperatorError } from './operator-error.js';
import type { SettingsDocument } from './settings-document.js';

export class JoinError extends OperatorError {
  override readonly name = 'JoinError';
}

export interface TokenJoin {
  /** The word that the operator was given. */
  token: string;
  host: string;
  rack: string;
  /** HOST:PORT instead of those in the token. */
  scheduler: string | undefined;
  /** With another key than this host had. */
  newKey: boolean;
}

/** Joins with a token, writes certificate and settings, and returns a sentence about it. */
export async function join(
  { token, host, rack, scheduler, newKey }: TokenJoin,
  folder: IdentityFolder,
  settings: SettingsDocument,
  nowMs: number,
): Promise<string> {
  const word = decodeJoinWord(token);
  if (typeof word === 'string') throw new JoinError(word);
  const known = newKey ? null : folder.read();
  if (known !== null) refuseAgain(known, word, nowMs);
  const { address, root } = await find(word, scheduler === undefined ? word.addresses : [scheduler]);
  const key = known?.key ?? (await folder.joiningKey());
  const { federation, site } = word;
  const request = {
    hostId: host,
    site: `sites/${site}`,
    rack,
    machineId: readMachineId(),
    token,
    signingRequest: await requestFor(key),
  };
  const response = await callJoin(address, secureChannel({ authority: root, federation }), request).catch(
    (error: unknown) => {
      // What the answer was lost to was revoked since.
      if (error instanceof CallFailed && error.reason === 'KEY_REVOKED') folder.forgetJoining();
      throw explained(error, address, host);
    },
  );
  const uri = `spiffe://${federation}/host/${host}`;
  const fault = faultOf(response.certificateChain, { authority: root, key, uri });
  if (fault !== null) throw new JoinError(`${fault}; nothing was changed here`);
  folder.become({ authority: root, chain: response.certificateChain, key });
  settings.write({ scheduler: address, host, site, rack, ...learned(response), insecure: undefined });
  const until = new Date(new X509Certificate(response.certificateChain).validTo).toISOString();
  return (
    `${host} has joined ${federation} at site ${site}; its certificate is good until ${until} and is renewed before. ` +
    `Start the agent with: secovia-agent run --config ${settings.path}`
  );
}

export interface InsecureJoin {
  scheduler: string;
  site: string;
  host: string;
  rack: string;
}

/** Joins a scheduler that runs without TLS on this machine. */
export async function joinInsecurely(
  { scheduler, site, host, rack }: InsecureJoin,
  settings: SettingsDocument,
): Promise<string> {
  const request = { hostId: host, site: `sites/${site}`, rack, machineId: readMachineId() };
  const response = await callJoin(scheduler, insecureChannel(), request).catch((error: unknown) => {
    throw explained(error, scheduler, host, site);
  });
  settings.write({ scheduler, host, site, rack, ...learned(response), insecure: true });
  return `${host} has joined ${response.federation} at site ${site}, without TLS; start the agent with: secovia-agent run --config ${settings.path}`;
}

function learned({ federation, checkpointKey }: JoinResponse__Output) {
  return { federation, checkpointKey: Buffer.from(checkpointKey).toString('base64') };
}

/** A host that has a good certificate needs no other; whoever wants one all the same says so. */
function refuseAgain({ uri, endMs, federation }: Credentials, word: JoinWord, nowMs: number): void {
  if (endMs <= nowMs && federation === word.federation) return;
  const until = endMs > nowMs ? `, with a certificate until ${new Date(endMs).toISOString()}` : '';
  throw new JoinError(
    `this host has joined already, as ${uri}${until}; to enrol it anew, after a revocation for example, say --new-key`,
  );
}

/** The first address at which the scheduler of the token answers. */
async function find(
  { fingerprint, federation }: JoinWord,
  addresses: readonly string[],
): Promise<{ address: string; root: string }> {
  const faults: string[] = [];
  for (const address of addresses) {
    const contact = await rootAt(address, fingerprint, federation);
    if ('root' in contact) return { address, root: contact.root };
    if (contact.fault === 'stranger') throw new JoinError(contact.message);
    faults.push(contact.message);
  }
  throw new JoinError(
    `${faults.join('; ')}: check that the scheduler is running and can be reached from here, or say where it is with --scheduler HOST:PORT`,
  );
}

function explained(error: unknown, address: string, host: string, site?: string): unknown {
  if (!(error instanceof CallFailed)) return error;
  const { code, message } = error;
  switch (code) {
    case grpc.status.UNAVAILABLE:
    case grpc.status.DEADLINE_EXCEEDED:
      return new JoinError(
        `no scheduler answers at ${address}: check the address, and that the scheduler is running (${message})`,
      );
    case grpc.status.NOT_FOUND:
      return new JoinError(
        site === undefined ? message : `${message}: create the site first, with: secovia site create ${site}`,
      );
    case grpc.status.ALREADY_EXISTS:
    case grpc.status.FAILED_PRECONDITION:
      return new JoinError(
        ['HOST_EXISTS', ''].includes(error.reason)
          ? `${message}: choose another --host than ${host}, or retire the old one first`
          : message,
      );
    case grpc.status.INVALID_ARGUMENT:
    case grpc.status.UNAUTHENTICATED:
    case grpc.status.PERMISSION_DENIED:
      return new JoinError(message);
    default:
      return new JoinError(`the scheduler refuses (${grpc.status[code] ?? code}): ${message}`);
  }
}
