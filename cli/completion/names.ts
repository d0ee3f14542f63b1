/**
 * Names for completion, asked of the scheduler. A person waits with a finger on the Tab key, so there is one try with a
 * short deadline and one page; no answer means no names, never a message.
 */
import { Connection } from '../client/connection.js';
import { reachOf, type Settings } from '../settings.js';
import { formatGroup } from '../values/groups.js';
import { resourceName, shortName, shortVmName } from '../values/names.js';
import { parseServer } from '../values/words.js';
import type { World } from '../world.js';
import type { Candidate, Completion } from './candidates.js';

const patienceMs = 1500;

const page = { pageSize: 1000 };
const ask = { timeoutMs: patienceMs, once: true };

/** What goes to a shell's command line: nothing that the shell would obey. */
const harmlessWord = /^[\p{L}\p{N}_.:-]+(\/[\p{L}\p{N}_.:-]+)*$/u;

type Names = (connection: Connection, administration: string | undefined) => Promise<Candidate[]>;

const sources: Record<string, Names> = {
  site: async (connection) =>
    (await connection.call('SiteService', 'ListSites', page, ask)).sites.map((each) =>
      candidate(each.name, each.title),
    ),
  host: async (connection) =>
    (await connection.call('HostService', 'ListHosts', page, ask)).hosts.map((each) =>
      candidate(each.name, shortName(each.site)),
    ),
  token: async (connection) =>
    (await connection.call('JoinTokenService', 'ListJoinTokens', page, ask)).joinTokens.map((each) =>
      candidate(each.name, shortName(each.site)),
    ),
  image: async (connection) =>
    (await connection.call('ImageService', 'ListImages', page, ask)).images.map((each) =>
      candidate(each.name, each.title),
    ),
  administration: async (connection) =>
    (await connection.call('AdministrationService', 'ListAdministrations', page, ask)).administrations.map(
      (each) => candidate(each.name, each.title),
    ),
  pool: async (connection) =>
    (await connection.call('StoragePoolService', 'ListStoragePools', page, ask)).storagePools.map((each) =>
      candidate(each.name, shortName(each.site)),
    ),
  partner: async (connection) =>
    (await connection.call('PartnerService', 'ListPartners', page, ask)).partners.map((each) =>
      candidate(each.name, each.title),
    ),
  class: async (connection) =>
    (await connection.call('ResidencyService', 'ListDataClasses', page, ask)).dataClasses.map((each) =>
      candidate(each.name, each.title),
    ),
  'residency-rule': async (connection) =>
    (await connection.call('ResidencyService', 'ListResidencyRules', page, ask)).residencyRules.map((each) =>
      candidate(each.name, each.legalBasis),
    ),
  agreement: async (connection) =>
    (await connection.call('AgreementService', 'ListAgreements', page, ask)).agreements.map((each) =>
      candidate(each.name, each.title),
    ),
  identity: async (connection) =>
    (await connection.call('IdentityService', 'ListIdentities', page, ask)).identities.map((each) =>
      candidate(each.name, each.title),
    ),
  loan: async (connection) =>
    (await connection.call('QuotaService', 'ListLoans', page, ask)).loans.map((each) =>
      candidate(each.name, each.note),
    ),
  country: async (connection) =>
    distinct(
      (await connection.call('SiteService', 'ListSites', page, ask)).sites.map((each) => each.country),
    ),
  operation: async (connection) =>
    (await connection.call('OperationService', 'ListOperations', page, ask)).operations.map((each) =>
      candidate(each.name, each.verb),
    ),
  jurisdiction: async (connection) =>
    distinct(
      (await connection.call('SiteService', 'ListSites', page, ask)).sites.flatMap(
        (each) => each.jurisdictions,
      ),
    ),
  trait: async (connection) =>
    distinct(
      (await connection.call('HostService', 'ListHosts', page, ask)).hosts.flatMap((each) => each.traits),
    ),
  extra: async (connection) =>
    distinct(
      (await connection.call('HostService', 'ListHosts', page, ask)).hosts.flatMap(({ capacity }) =>
        Object.keys(capacity?.extras ?? {}),
      ),
    ),
  // All VMs of a group say the same, so a rule that some say is the one to say.
  rule: async (connection, administration) => {
    const parent = resourceName('administrations', administration ?? '-');
    const { vms } = await connection.call('VmService', 'ListVms', { ...page, parent }, ask);
    return distinct(vms.flatMap(({ placement }) => (placement?.groups ?? []).map(formatGroup)));
  },
  vm: async (connection, administration) => {
    const parent = resourceName('administrations', administration ?? '-');
    const { vms } = await connection.call('VmService', 'ListVms', { ...page, parent }, ask);
    return vms.map(({ name, title }) => ({
      value: administration === undefined ? shortVmName(name) : shortName(name),
      description: title,
    }));
  },
};

function candidate(name: string, description: string): Candidate {
  return { value: shortName(name), description };
}

function distinct(values: readonly string[]): Candidate[] {
  return [...new Set(values)].sort().map((value) => ({ value, description: '' }));
}

/** The names that fit what is typed; none when the scheduler does not answer. */
export async function completeNames(
  wanted: Extract<Completion, { kind: 'names' }>,
  settings: Settings,
  world: World,
): Promise<Candidate[]> {
  const names = sources[wanted.of];
  if (names === undefined) return [];
  const { said } = wanted;
  const { administration = settings.administration } = said;
  let connection: Connection | undefined;
  try {
    const line = {
      server: said['server'] === undefined ? settings.server : parseServer(said['server']),
      // The shell has not put the home directory in yet.
      identity: said['identity']?.replace(/^~(?=\/|$)/, world.env['HOME'] ?? '~'),
      insecure: said['insecure'] !== undefined,
    };
    connection = new Connection({
      settings: { ...settings, ...reachOf(line, world) },
      interrupted: world.interrupted,
      nowMs: world.now(),
      say: () => undefined,
    });
    // `city/w` names its administration itself.
    const slash = wanted.of === 'vm' ? wanted.current.indexOf('/') : -1;
    const owner = slash > 0 ? wanted.current.slice(0, slash) : administration;
    const found = await names(connection, owner);
    const lead = slash > 0 ? `${owner}/` : '';
    return found
      .map(({ value, description }) => ({ value: lead + value, description }))
      .filter(({ value }) => harmlessWord.test(value) && value.startsWith(wanted.current))
      .map(({ value, description }) => ({ value: wanted.prefix + value, description }));
  } catch {
    return [];
  } finally {
    connection?.close();
  }
}
