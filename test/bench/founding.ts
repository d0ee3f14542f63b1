/** A federation in a folder beside which no scheduler runs, for whoever fills it by its engine. */
import { join } from 'node:path';
import { newKey } from '../../proto/signing-request.js';
import { hostUri } from '../../scheduler/core/access/uris.js';
import type { CommandOf, CommandType, Enrolment } from '../../scheduler/core/commands.js';
import { isRefusal } from '../../scheduler/core/refusal.js';
import { openFolder } from '../../scheduler/opening.js';
import { openAuthority } from '../../scheduler/trust/authority-folder.js';
import { run } from './processes.js';

export const certificateMs = 7 * 24 * 3600_000;

/** What is recorded of a host's certificate. */
export type Certified = Pick<Enrolment, 'keyHash' | 'certificate' | 'chainPem'>;

/** Founds it, and opens it. `admin` is the administrator's folder of credentials. */
export async function found(folder: string, federation: string) {
  const dataDir = join(folder, 'data');
  const admin = join(folder, 'admin');
  const words = ['--data-dir', dataDir, '--federation', federation, '--admin', 'bench', '--out', admin];
  await run('scheduler/main.js', ['init', ...words]);
  const authority = await openAuthority(dataDir, Date.now());
  if (authority === null) throw new Error('init has made no authority');
  const { engine, store } = await openFolder({
    ...{ dataDir, federation, strategy: 'pack', keepsName: true },
    onFatal: (error) => {
      throw error;
    },
  });
  const decide = <T extends CommandType>(command: CommandOf<T>) => {
    const outcome = engine.run(command);
    if (outcome.refusal) throw new Error(`${command.type}: ${outcome.refusal.message}`);
    return outcome.reply;
  };
  /** A key and a certificate for a host. */
  const identify = async (host: string): Promise<{ keyPem: string; certified: Certified }> => {
    const { keyPem, signingRequest } = await newKey();
    const uri = hostUri(federation, host);
    const signed = await authority.sign(signingRequest, uri, Date.now(), certificateMs);
    if (isRefusal(signed)) throw new Error(signed.message);
    const { certificate, keyHash, chainPem } = signed;
    return { keyPem, certified: { certificate, keyHash, chainPem } };
  };
  return { dataDir, admin, authority, engine, store, decide, identify };
}
