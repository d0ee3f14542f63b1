/**
 * Looking at domains: one closely, or all of them at a glance. Nothing here changes a domain, with one exception:
 * libvirt's autostart is switched off where somebody switched it on for a VM of ours (PROTOCOL.md O1).
 */
import { type Connection, ErrorCode } from '../../../native/index.js';
import type { DomainSummary, ObservedDomain, VmMetadata } from '../hypervisor.js';
import { hasCode } from './failure.js';
import { metadataNamespace, readMetadata } from './metadata.js';
import { readPower } from './power.js';
import type { DriverProfile } from './profile.js';

const lookDeadlineMs = 10_000;
/** virDomainStatsTypes: VIR_DOMAIN_STATS_STATE. */
const statsState = 1;

export class DomainReader {
  readonly #profile: DriverProfile;
  /** Which domains carry our mark, so that each is asked once. */
  readonly #marks = new Map<string, boolean>();

  constructor(profile: DriverProfile) {
    this.#profile = profile;
  }

  /** Something happened to the domain: its mark may be another one now. */
  forget(uid: string): void {
    this.#marks.delete(uid);
  }

  forgetAll(): void {
    this.#marks.clear();
  }

  async list(connection: Connection): Promise<DomainSummary[]> {
    const found = this.#profile.hasStatsOfAll
      ? await statesOfAll(connection)
      : await statesOfEach(connection);
    const present = new Set(found.map(({ uid }) => uid));
    for (const uid of this.#marks.keys()) if (!present.has(uid)) this.#marks.delete(uid);
    const domains: DomainSummary[] = [];
    for (const domain of found) {
      domains.push({ ...domain, ours: await this.#isMarked(connection, domain.uid) });
    }
    return domains;
  }

  /** The ids of the domains that carry our mark. */
  async listOurs(connection: Connection): Promise<string[]> {
    return (await this.list(connection)).filter(({ ours }) => ours).map(({ uid }) => uid);
  }

  async inspect(connection: Connection, uid: string): Promise<ObservedDomain | null> {
    try {
      const { name } = await connection.domainLookup(uid, { deadlineMs: lookDeadlineMs });
      const info = await connection.domainInfo(uid, { deadlineMs: lookDeadlineMs });
      const metadata = await getMetadata(connection, uid);
      // Whether a VM starts is decided by the scheduler, never by a libvirtd that comes up.
      if (info.autostart && metadata !== null) await connection.domainSetAutostart(uid, false);
      const compute = { vcpus: info.vcpus, memoryMib: Math.round(Number(info.maxMemoryKib) / 1024) };
      return { uid, name, power: readPower(info), metadata, compute };
    } catch (error) {
      if (hasCode(error, ErrorCode.NO_DOMAIN)) return null;
      throw error;
    }
  }

  /** Its definition, or what it runs with; null when there is no such domain. */
  async xml(connection: Connection, uid: string, inactive: boolean): Promise<string | null> {
    try {
      return await connection.domainXml(uid, { inactive }, { deadlineMs: lookDeadlineMs });
    } catch (error) {
      if (hasCode(error, ErrorCode.NO_DOMAIN)) return null;
      throw error;
    }
  }

  async #isMarked(connection: Connection, uid: string): Promise<boolean> {
    const known = this.#marks.get(uid);
    if (known !== undefined) return known;
    let marked = false;
    try {
      marked = (await getMetadata(connection, uid)) !== null;
    } catch (error) {
      // It went away since it was listed.
      if (hasCode(error, ErrorCode.NO_DOMAIN)) return false;
      throw error;
    }
    this.#marks.set(uid, marked);
    return marked;
  }
}

type Seen = Omit<DomainSummary, 'ours'>;

async function statesOfAll(connection: Connection): Promise<Seen[]> {
  const records = await connection.allDomainStats({ groups: statsState }, { deadlineMs: lookDeadlineMs });
  return records.map(({ name, uuid, values }) => {
    const power = readPower({
      state: Number(values['state.state'] ?? 0),
      reason: Number(values['state.reason'] ?? 0),
    });
    return { uid: uuid, name, power };
  });
}

async function statesOfEach(connection: Connection): Promise<Seen[]> {
  const domains = await connection.domainList(undefined, { deadlineMs: lookDeadlineMs });
  const seen: Seen[] = [];
  for (const { name, uuid } of domains) {
    try {
      seen.push({ uid: uuid, name, power: readPower(await connection.domainState(uuid)) });
    } catch (error) {
      if (!hasCode(error, ErrorCode.NO_DOMAIN)) throw error;
    }
  }
  return seen;
}

async function getMetadata(connection: Connection, uid: string): Promise<VmMetadata | null> {
  const xml = await connection.domainGetMetadata(uid, metadataNamespace, { deadlineMs: lookDeadlineMs });
  return xml === null ? null : readMetadata(xml);
}
