/**
 * What this host has of VMs that nobody has spoken of: domains and disks that carry our marks and that no permit names, and
 * those whose permit the scheduler has left out of its whole set, because its journal was restored from an older backup. The
 * latter run on as they were told last. What each of them is stays known here, so that an operator can adopt it.
 */
import type { Ledger, Permit } from './converge/ledger.js';
import type { DomainAccount, DomainSummary, Hardware, VolumeAccount } from './hypervisor/hypervisor.js';

export interface FoundVolume {
  uid: string;
  file: string;
  whole: boolean;
}

/** What was read of one: of a disk alone `domain` is null. */
export interface OrphanAccount {
  domain: DomainAccount | null;
  volume: VolumeAccount | null;
  /** Why it could not be read; empty when it was. */
  problem: string;
}

/** An orphan as it is reported. */
export interface Orphan {
  uid: string;
  kind: 'domain' | 'disk';
  vmName: string;
  running: boolean;
  /** 0 is not known. */
  vcpus: number;
  memoryMib: number;
  diskMib: number;
  hardware: Hardware | undefined;
  poolPath: string;
  imageSha256: string;
  /** The newest that its marks or a permit have. */
  term: number;
  generation: number;
  rebootCount: number;
  problem: string;
}

const mostReported = 1_000;

export class Orphans {
  readonly #ledger: Ledger;
  #domains: DomainSummary[] = [];
  #volumes: FoundVolume[] = [];
  #isSynced = false;
  /** VMs with a permit of which the scheduler does not know. */
  #unclaimed = new Set<string>();
  readonly #accounts = new Map<string, OrphanAccount>();
  #version = 0;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** Grows with whatever is told here. Which of it is an orphan is the ledger's to say as well. */
  get version(): number {
    return this.#version;
  }

  /** Whether the whole set was heard on this stream. */
  get isSynced(): boolean {
    return this.#isSynced;
  }

  /** A stream begins, on which the scheduler has not said yet of which VMs it knows. */
  linked(): void {
    this.#isSynced = false;
  }

  domainsListed(domains: readonly DomainSummary[]): void {
    this.#version++;
    this.#domains = domains.filter(({ ours }) => ours);
    this.#forget();
  }

  volumesListed(volumes: readonly FoundVolume[]): void {
    this.#version++;
    this.#volumes = [...volumes];
    this.#forget();
  }

  /** The scheduler has sent its whole set, with these VMs. */
  synced(mentioned: ReadonlySet<string>): void {
    const permits = [...this.#ledger.permits()];
    const others = permits.filter(({ uid, phase }) => phase !== 'gone' && !mentioned.has(uid));
    this.#unclaimed = new Set(others.map(({ uid }) => uid));
    this.#isSynced = true;
    this.#version++;
  }

  /** The scheduler has spoken of this VM. */
  claimed(uid: string): void {
    if (this.#unclaimed.delete(uid)) this.#version++;
  }

  /** What is to be looked at: those that nobody has looked at yet, or all. */
  toDescribe(which: 'new' | 'all'): string[] {
    const domains = this.#orphanDomainsByUid();
    const uids = this.#uids();
    return which === 'all' ? uids : uids.filter((uid) => this.#accountOf(uid, domains) === undefined);
  }

  described(uid: string, account: OrphanAccount): void {
    this.#accounts.set(uid, account);
    this.#version++;
  }

  /** For people: `domain NAME UID` and `volume FILE`. */
  texts(): string[] {
    return [
      ...this.#orphanDomains()
        .map(({ name, uid }) => `domain ${name} ${uid}`)
        .sort(),
      ...this.#orphanVolumes()
        .map(({ file }) => `volume ${file}`)
        .sort(),
    ];
  }

  /** Those that were looked at. */
  found(): Orphan[] {
    const orphans: Orphan[] = [];
    if (this.#accounts.size === 0) return orphans;
    const domains = this.#orphanDomainsByUid();
    for (const uid of this.#uids().slice(0, mostReported)) {
      const account = this.#accountOf(uid, domains);
      if (account !== undefined) orphans.push(this.#orphan(uid, account, domains.get(uid)));
    }
    return orphans;
  }

  /** Undefined when nobody has looked at it since its domain has come or gone. */
  #accountOf(uid: string, domains: ReadonlyMap<string, DomainSummary>): OrphanAccount | undefined {
    const account = this.#accounts.get(uid);
    if (account === undefined || account.problem !== '') return account;
    return (account.domain !== null) === domains.has(uid) ? account : undefined;
  }

  #orphanDomainsByUid(): Map<string, DomainSummary> {
    return new Map(this.#orphanDomains().map((domain) => [domain.uid, domain]));
  }

  /** `listed` is undefined for a disk alone. */
  #orphan(
    uid: string,
    { domain, volume, problem }: OrphanAccount,
    listed: DomainSummary | undefined,
  ): Orphan {
    const permit = this.#ledger.permit(uid);
    const isDisk = listed === undefined;
    const marks = domain?.metadata;
    const extras = permit?.desired.hardware?.extras ?? {};
    return {
      uid,
      kind: isDisk ? 'disk' : 'domain',
      vmName: domain?.title || (permit?.desired.vmName ?? ''),
      running: !isDisk && listed.power.kind !== 'off',
      vcpus: domain?.compute.vcpus ?? permit?.desired.size?.vcpus ?? 0,
      memoryMib: domain?.compute.memoryMib ?? permit?.desired.size?.memoryMib ?? 0,
      diskMib: volume?.sizeMib ?? 0,
      // Extras that are no devices are in no definition.
      hardware: withExtras(domain?.hardware, domain === null ? {} : extras),
      poolPath: domain?.poolPath ?? '',
      imageSha256: volume?.imageSha256 || (permit?.desired.image?.sha256 ?? ''),
      term: Math.max(marks?.term ?? 0, permit?.term ?? 0),
      generation: Math.max(marks?.generation ?? 0, permit?.desired.generation ?? 0),
      // One that was ordered, and not begun, is not for its new record to begin.
      rebootCount: marks?.rebootCount ?? permit?.desired.rebootCount ?? 0,
      problem: problem || left(listed, permit) || domain?.problem || this.#problemOf(uid, domain, volume),
    };
  }

  #problemOf(uid: string, domain: DomainAccount | null, volume: VolumeAccount | null): string {
    if (volume !== null) return '';
    if (domain !== null) return 'its disk is not there, or is no qcow2 file';
    const isWhole = this.#volumes.some((found) => found.uid === uid && found.whole);
    return isWhole
      ? 'its disk is no qcow2 file'
      : 'its disk is only half made, so there is nothing of a guest on it';
  }

  #uids(): string[] {
    const all = [...this.#orphanDomains(), ...this.#orphanVolumes()].map(({ uid }) => uid);
    return [...new Set(all)].sort();
  }

  #orphanDomains(): DomainSummary[] {
    return this.#domains.filter(({ uid }) => this.#isNobodys(uid));
  }

  #orphanVolumes(): FoundVolume[] {
    return this.#volumes.filter(({ uid }) => this.#isNobodys(uid) || leftNothing(this.#ledger.permit(uid)));
  }

  #isNobodys(uid: string): boolean {
    return this.#ledger.permit(uid) === undefined || this.#unclaimed.has(uid);
  }

  #forget(): void {
    const uids = new Set(this.#uids());
    for (const uid of this.#accounts.keys()) if (!uids.has(uid)) this.#accounts.delete(uid);
  }
}

/**
 * Whether a disk here is not what a permit speaks of. What was refused left nothing, so the disk is of an earlier time; that of
 * a VM that was deleted went to the trash, so this one was made after that, by a call to the hypervisor that nobody had waited
 * for any more.
 */
function leftNothing(permit: Permit | undefined): boolean {
  if (permit === undefined) return false;
  return permit.phase === 'refused' || (permit.phase === 'gone' && permit.desired.role === 'deleted');
}

/** What a hand-over that was begun may have left here is not the VM. */
function left(listed: DomainSummary | undefined, permit: Permit | undefined): string {
  if (listed?.power.kind !== 'off' || listed.power.reason === 'shutdown') return '';
  const isBegun = permit !== undefined && permit.handover !== null;
  return listed.power.reason === 'migrated' || isBegun
    ? 'it was being handed over to another host, and may run there'
    : '';
}

function withExtras(
  hardware: Hardware | undefined,
  more: Readonly<Record<string, number>>,
): Hardware | undefined {
  if (Object.keys(more).length === 0) return hardware;
  const plain = { hugepageKib: 0, cells: [], dedicatedCpus: false };
  return { ...plain, ...hardware, extras: { ...more, ...hardware?.extras } };
}
