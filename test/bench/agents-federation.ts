/**
 * A federation of thousands of hosts, founded beside a scheduler that does not run: by the commands and the authority that
 * Join uses, without its limit on strangers, which would take ten minutes. Each host has a key and a certificate of its own.
 */
import { hash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Resources } from '../../scheduler/core/model.js';
import { found } from './founding.js';

const federation = 'bench';
const hostsPerSite = 200;
/** Hosts whose keys and certificates are made at a time. */
const atATime = 200;

export interface AgentIdentity {
  host: string;
  machineId: string;
  /** PEM. */
  chain: string;
  key: string;
  /** What its machine has; left out for the usual. */
  total?: Resources;
}

export interface AgentsFederation {
  dataDir: string;
  /** The administrator's folder of credentials. */
  admin: string;
  /** Files with the `Identities` of a process each. */
  identities: string[];
}

export interface Identities {
  /** PEM of the root. */
  authority: string;
  /** What the scheduler is called in TLS. */
  servername: string;
  agents: AgentIdentity[];
}

/** Founds it in a folder, with so many hosts, whose identities go into as many files as there are processes. */
export async function foundAgents(
  folder: string,
  hosts: number,
  processes: number,
): Promise<AgentsFederation> {
  const { dataDir, admin, authority, store, engine, decide, identify } = await found(folder, federation);
  decide({ type: 'administration.create', id: 'bench', title: 'Bench', parent: null, country: 'HR' });
  decide({
    ...{ type: 'image.create', id: 'bench', uid: '00000000-0000-4000-8000-000000000000', format: 'qcow2' },
    ...{ digest: `sha256:${'0'.repeat(64)}`, source: 'file:///nowhere', title: '' },
    ...{ architecture: 'x86_64', sizeBytes: 1, virtualSizeMib: 1 },
  });
  const agents: AgentIdentity[] = [];
  const endMs = Date.now() + 24 * 3600_000;
  for (let first = 0; first < hosts; first += atATime) {
    const ids = Array.from({ length: Math.min(atATime, hosts - first) }, (_, index) => first + index);
    const made = await Promise.all(
      ids.map(async (number) => {
        const host = `host-${number}`;
        return { number, host, ...(await identify(host)) };
      }),
    );
    for (const { number, host, keyPem, certified } of made) {
      const site = `site-${Math.floor(number / hostsPerSite)}`;
      const secretHash = hash('sha256', site, 'hex');
      if (number % hostsPerSite === 0) {
        decide({
          type: 'site.create',
          id: site,
          title: '',
          partner: 'bench',
          country: 'HR',
          jurisdictions: [],
        });
        const token = { id: `t-${site}`, site, secretHash, endMs, uses: hostsPerSite, creator: 'bench' };
        decide({ type: 'token.create', ...token });
      }
      const machineId = number.toString(16).padStart(32, '0');
      const enrolment = { token: `t-${site}`, secretHash, ...certified };
      decide({ type: 'host.join', id: host, site, rack: '', machineId, enrolment });
      agents.push({ host, machineId, chain: certified.chainPem, key: keyPem });
    }
    await engine.readable();
  }
  await store.close();
  const share = Math.ceil(hosts / processes);
  const identities = Array.from({ length: processes }, (_, index) => {
    const file = join(folder, `identities-${index}.json`);
    const of: Identities = {
      authority: authority.rootPem,
      servername: `scheduler.${federation}`,
      agents: agents.slice(index * share, (index + 1) * share),
    };
    writeFileSync(file, JSON.stringify(of), { mode: 0o600 });
    return file;
  });
  return { dataDir, admin, identities };
}
