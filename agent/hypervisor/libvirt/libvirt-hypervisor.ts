/**
 * The `Hypervisor` of a real host: libvirt, through the native addon. Every call has a deadline and ends with one
 * of the few faults that the converger knows; what a domain is called, made of and marked with is decided in the
 * files beside this one.
 */
import { type Connection, ErrorCode, type LibvirtEvent, type openConnection } from '../../../native/index.js';
import type {
  Availability,
  Blueprint,
  DomainAccount,
  DomainSummary,
  Hardware,
  Hypervisor,
  HypervisorEvent,
  Leaving,
  MachineFacts,
  MoveControl,
  ObservedDomain,
  VmMetadata,
  VolumeAccount,
  VolumeRef,
  VolumeRequest,
} from '../hypervisor.js';
import type { ExtraCatalogue } from '../../inventory/extras.js';
import { chooseDevices } from '../devices.js';
import { HypervisorError } from '../hypervisor.js';
import { type DomainLayout, layOut, mostVcpus } from '../layout.js';
import { Acceleration, type AccelerationOptions } from './acceleration.js';
import {
  addsVcpus,
  type Capabilities,
  type GuestSupport,
  guestSupport,
  readCapabilities,
} from './capabilities.js';
import { CpuKeeper } from './cpu-keeper.js';
import { DomainReader } from './domain-reader.js';
import { diskCacheIn, readAccount } from './domain-account.js';
import { type DiskCache, domainXml } from './domain-xml.js';
import { asHypervisorError, hasCode } from './failure.js';
import { FileVolumes } from './file-volumes.js';
import { growOpenVolume } from './open-volume.js';
import { heldDevices } from './held-devices.js';
import { MemoryVolumes } from './memory-volumes.js';
import { type MigrationOptions, Migrations } from './migrations.js';
import { metadataContent, metadataNamespace, metadataPrefix } from './metadata.js';
import { PoolFolders } from '../pool-folders.js';
import { PoolMounts } from '../../state/pool-mounts.js';
import { type DriverProfile, profileOf } from './profile.js';
import { type Lane, LibvirtSession, type SessionListener } from './session.js';
import type { Volumes } from './volumes.js';
import type { FoundVolume } from '../volume-names.js';

export interface LibvirtOptions extends AccelerationOptions {
  uri: string;
  dataDir: string;
  /** What may be given to guests. */
  extras: ExtraCatalogue;
  /** Where shared pools are; left out means nowhere. */
  poolFolders?: PoolFolders;
  /** How running domains are handed over; left out: encrypted, and to a shared pool that libvirt knows as such. */
  migration?: MigrationOptions;
  /** How libvirt is connected; left out: through the addon. */
  connectTo?: typeof openConnection;
}

/**
 * libvirt itself waits 30 s for a domain that is busy and then says so: that answer is worth waiting for, since a
 * call that is given up goes on hanging.
 */
const deadlines = { changeMs: 40_000, startMs: 90_000 };

const noPools = (dataDir: string) => new PoolFolders([], new PoolMounts(dataDir));

export class LibvirtHypervisor implements Hypervisor {
  readonly #options: LibvirtOptions;
  readonly #profile: DriverProfile;
  readonly #session: LibvirtSession;
  readonly #acceleration: Acceleration;
  readonly #volumes: Volumes;
  readonly #files: FileVolumes | null;
  readonly #migrations: Migrations;
  #listener: (event: HypervisorEvent) => void = () => undefined;
  #capabilities: Capabilities | null = null;
  #guest: GuestSupport | null = null;
  #version = '';
  readonly #reader: DomainReader;
  readonly #cpus = new CpuKeeper();
  /** Ends when it is known which CPUs are dedicated; null before anybody has asked since libvirt was connected. */
  #cpusKnown: Promise<void> | null = null;
  /** Ends when nobody chooses devices for a domain any more. */
  #choosing: Promise<void> = Promise.resolve();

  constructor(options: LibvirtOptions) {
    this.#options = options;
    this.#profile = profileOf(options.uri);
    this.#acceleration = new Acceleration(options);
    this.#reader = new DomainReader(this.#profile);
    const listener: SessionListener = {
      prepare: (connection) => this.#prepare(connection),
      available: () => this.#listener({ kind: 'available' }),
      unavailable: (error) => this.#listener({ kind: 'unavailable', error }),
      event: (event) => this.#event(event),
    };
    this.#session = new LibvirtSession(options.uri, this.#profile, listener, options.connectTo);
    this.#files = this.#profile.volumesAreFiles
      ? new FileVolumes(this.#session, options.dataDir, options.poolFolders ?? noPools(options.dataDir))
      : null;
    this.#migrations = new Migrations(this.#session, options.migration ?? { tls: true, unsafe: false });
    this.#volumes = this.#files ?? new MemoryVolumes(this.#session);
  }

  open(listener: (event: HypervisorEvent) => void): void {
    this.#listener = listener;
    this.#session.start();
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  availability(): Availability {
    return {
      available: this.#session.available,
      error: this.#session.lastError,
      version: this.#version,
    };
  }

  async machine(): Promise<MachineFacts> {
    return this.#run('query', async (connection) => {
      const node = await connection.nodeInfo();
      const version = await connection.hypervisorVersion();
      const capabilities = this.#known(this.#capabilities);
      const guest = this.#known(this.#guest);
      return {
        // libvirt's test driver always plays an i686; it stands in for the machines that images are made for.
        architecture: guest.domainType === 'test' ? 'x86_64' : capabilities.architecture,
        cpuModel: capabilities.cpuModel,
        cpuFeatures: capabilities.cpuFeatures,
        accelerators: [guest.domainType === 'kvm' ? 'kvm' : 'tcg'],
        cpus: node.cpus,
        memoryMib: Math.floor(Number(node.memoryKib) / 1024),
        sockets: node.sockets,
        coresPerSocket: node.cores,
        threadsPerCore: node.threads,
        numaCells: capabilities.numaCells,
        version: this.#version,
        hypervisorVersion: versionText(version),
      };
    });
  }

  list(): Promise<DomainSummary[]> {
    return this.#run('list', (connection) => this.#reader.list(connection));
  }

  inspect(uid: string): Promise<ObservedDomain | null> {
    return this.#run('query', (connection) => this.#reader.inspect(connection, uid), uid);
  }

  async describe(uid: string): Promise<DomainAccount | null> {
    const describe = async (connection: Connection) => {
      const domain = await this.#reader.inspect(connection, uid);
      if (domain === null || domain.metadata === null) return null;
      const { metadata, compute, power } = domain;
      const xml = await this.#reader.xml(connection, uid, power.kind === 'off');
      if (xml === null) return null;
      const poolOf = (file: string) => this.#volumes.poolOf(uid, file);
      return { metadata, compute, ...readAccount(xml, this.#options.extras, poolOf) };
    };
    return this.#run('query', describe, uid);
  }

  async define(blueprint: Blueprint): Promise<void> {
    const { hardware } = blueprint;
    await this.#knowCpus();
    if (hardware === undefined) return this.#defineFloating(blueprint);
    // One at a time: what one domain is given must not be free for the next.
    const defined = this.#choosing.then(() => this.#defineOn(blueprint, hardware));
    this.#choosing = defined.catch(() => undefined);
    return defined;
  }

  async #knowCpus(): Promise<void> {
    this.#cpusKnown ??= this.#run('list', async (connection) =>
      this.#cpus.read(connection, await this.#reader.listOurs(connection)),
    );
    try {
      await this.#cpusKnown;
    } catch (error) {
      this.#cpusKnown = null;
      throw error;
    }
  }

  async #defineFloating(blueprint: Blueprint): Promise<void> {
    const { version } = this.#cpus;
    await this.#define(blueprint, [], this.#layOut(blueprint));
    if (version !== this.#cpus.version) await this.#repin([blueprint.uid]);
  }

  async #defineOn(blueprint: Blueprint, { extras }: Hardware): Promise<void> {
    const { uid } = blueprint;
    const devices = Object.keys(extras).length === 0 ? [] : await this.#devicesFor(blueprint, extras);
    const layout = this.#layOut(blueprint);
    const before = this.#cpus.dedicated.get(uid) ?? [];
    // Before it is defined: whoever is defined meanwhile keeps off them.
    this.#cpus.note(uid, layout.dedicated ? layout.pins.flat() : []);
    try {
      await this.#define(blueprint, devices, layout);
    } catch (error) {
      this.#cpus.note(uid, before);
      throw error;
    }
    if (layout.dedicated || before.length > 0) await this.#repin(null);
  }

  #layOut(blueprint: Blueprint): DomainLayout {
    const vcpus = this.#mostVcpus(blueprint);
    return layOut({ ...blueprint, vcpus }, this.#known(this.#capabilities).numaCells, this.#cpus.dedicated);
  }

  #mostVcpus(blueprint: Blueprint): number {
    const { numaCells } = this.#known(this.#capabilities);
    return addsVcpus(this.#known(this.#guest)) ? mostVcpus(blueprint, numaCells) : blueprint.vcpus;
  }

  /** Keeps these domains of ours, or all of them, off CPUs that others have to themselves. */
  async #repin(uids: readonly string[] | null): Promise<void> {
    if (!this.#profile.canPin) return;
    const { numaCells } = this.#known(this.#capabilities);
    const ours = uids ?? (await this.#run('list', (connection) => this.#reader.listOurs(connection)));
    await this.#run('control', (connection) => this.#cpus.repin(connection, ours, numaCells));
  }

  #devicesFor({ uid }: Blueprint, extras: Hardware['extras']): Promise<string[]> {
    return this.#run('list', async (connection) => {
      const { own, taken } = await heldDevices(connection, uid);
      return chooseDevices(extras, this.#options.extras, own, taken);
    });
  }

  async #define(blueprint: Blueprint, devices: readonly string[], layout: DomainLayout): Promise<void> {
    const guest = this.#known(this.#guest);
    const places = {
      devices,
      layout,
      mostVcpus: this.#mostVcpus(blueprint),
      diskPath: this.#volumes.path(blueprint),
      diskCache: await this.#diskCache(blueprint),
      consoleLog: this.#files?.consoleLog(blueprint.uid) ?? '',
    } as const;
    const define = (name: string) =>
      this.#session.run('control', (connection) =>
        connection.domainDefine(domainXml({ ...blueprint, name }, guest, places), undefined, {
          deadlineMs: deadlines.changeMs,
        }),
      );
    try {
      await define(blueprint.name);
    } catch (error) {
      const nameTaken =
        hasCode(error, ErrorCode.OPERATION_FAILED) && /already exists with uuid/.test(`${error}`);
      if (!nameTaken) throw asHypervisorError(error);
      // Somebody else's domain has the readable name; the id is unique.
      await this.#converted(define(`vm-${blueprint.uid}`));
    }
  }

  /** As its pool takes it; of a domain that was not off since the agent began, as it was defined before. */
  async #diskCache({ uid, poolPath }: Blueprint): Promise<DiskCache> {
    if (this.#files === null) return 'writeback';
    const known = this.#files.diskCache(poolPath);
    if (known !== null) return known;
    const xml = await this.#run('query', (connection) => this.#reader.xml(connection, uid, false), uid);
    return xml === null ? 'none' : diskCacheIn(xml);
  }

  async start(uid: string, poolPath: string): Promise<void> {
    const options = { deadlineMs: deadlines.startMs };
    await this.#converted(
      this.#session.runInPool(poolPath, (connection) => connection.domainCreate(uid, undefined, options)),
    ).catch((error) => {
      if (!/already running|already active/.test(`${error}`)) throw error;
    });
  }

  async shutdown(uid: string): Promise<void> {
    await this.#onDomain(deadlines.changeMs, (connection, options) =>
      connection.domainShutdown(uid, this.#profile.driver === 'test' ? 'default' : 'acpi', options),
    );
  }

  async reboot(uid: string): Promise<void> {
    await this.#onDomain(deadlines.changeMs, (connection, options) =>
      connection.domainReboot(uid, 'default', options),
    );
  }

  async reset(uid: string): Promise<void> {
    await this.#onDomain(deadlines.changeMs, (connection, options) => connection.domainReset(uid, options));
  }

  async destroy(uid: string): Promise<void> {
    await this.#run('control', async (connection) => {
      try {
        await connection.domainDestroy(uid, undefined, { deadlineMs: deadlines.changeMs });
      } catch (error) {
        // Off already, or gone: that is what was asked for.
        if (!hasCode(error, ErrorCode.NO_DOMAIN, ErrorCode.OPERATION_INVALID)) throw error;
      }
    });
  }

  async undefine(uid: string): Promise<void> {
    await this.#run('control', async (connection) => {
      const flags = {
        managedSave: true,
        snapshotsMetadata: true,
        ...(this.#profile.undefineNvram ? { nvram: true } : {}),
      };
      try {
        await connection.domainUndefine(uid, flags, { deadlineMs: deadlines.changeMs });
      } catch (error) {
        if (!hasCode(error, ErrorCode.NO_DOMAIN)) throw error;
      }
    });
    await this.#giveBackCpus(uid);
  }

  /** Others may use them again. If they cannot be told now, they are at the next change. */
  async #giveBackCpus(uid: string): Promise<void> {
    if (!this.#cpus.dedicated.has(uid)) return;
    this.#cpus.note(uid, []);
    await this.#repin(null).catch(() => undefined);
  }

  async addVcpus(uid: string, vcpus: number): Promise<void> {
    await this.#onDomain(deadlines.changeMs, (connection, options) =>
      connection.domainSetVcpus(uid, vcpus, { live: true }, options),
    );
  }

  async record(uid: string, metadata: VmMetadata): Promise<void> {
    const content = metadataContent(metadata);
    await this.#onDomain(deadlines.changeMs, (connection, options) =>
      connection.domainSetMetadata(uid, metadataNamespace, metadataPrefix, content, options),
    );
  }

  leaving(uid: string): Promise<Leaving | null> {
    return this.#converted(this.#migrations.leaving(uid));
  }

  migrate(uid: string, peerUri: string, control: MoveControl): Promise<void> {
    return this.#converted(this.#migrations.migrate(uid, peerUri, control));
  }

  abortMigration(uid: string): Promise<void> {
    return this.#converted(this.#migrations.abort(uid));
  }

  volumeExists(volume: VolumeRef): Promise<boolean> {
    return this.#converted(this.#volumes.exists(volume));
  }

  createVolume(request: VolumeRequest): Promise<void> {
    return this.#converted(this.#volumes.create(request));
  }

  async growVolume(volume: VolumeRef, sizeMib: number): Promise<number> {
    const { uid } = volume;
    const isOpen = this.#profile.growsOpenVolumes && (await this.#isActive(uid));
    if (!isOpen) return this.#converted(this.#volumes.grow(volume, sizeMib));
    const options = { deadlineMs: deadlines.changeMs };
    return this.#converted(
      this.#session.runInPool(volume.poolPath, (connection) =>
        growOpenVolume(connection, uid, sizeMib, options),
      ),
    );
  }

  async #isActive(uid: string): Promise<boolean> {
    const kind = (await this.inspect(uid))?.power.kind ?? 'off';
    return kind !== 'off';
  }

  trashVolume(volume: VolumeRef, keepUntilWallMs: number): Promise<void> {
    return this.#converted(this.#volumes.trash(volume, keepUntilWallMs));
  }

  removeVolume(volume: VolumeRef): Promise<void> {
    return this.#converted(this.#volumes.remove(volume));
  }

  listVolumes(): Promise<FoundVolume[]> {
    return this.#converted(this.#volumes.list());
  }

  readVolume(volume: VolumeRef): Promise<VolumeAccount | null> {
    return this.#converted(this.#volumes.read(volume));
  }

  emptyTrash(poolPath: string, olderThanMs: number): Promise<number | null> {
    return this.#converted(this.#volumes.emptyTrash(poolPath, olderThanMs));
  }

  async #prepare(connection: Connection): Promise<void> {
    this.#version = versionText(await connection.libVersion());
    this.#capabilities = readCapabilities(await connection.capabilities());
    const guest = guestSupport(this.#capabilities, await this.#acceleration.isThere(this.#capabilities));
    if (typeof guest === 'string') throw new HypervisorError('unavailable', guest);
    this.#guest = guest;
    this.#reader.forgetAll();
    this.#cpusKnown = null;
    await this.#files?.prepare(connection);
  }

  #event(event: LibvirtEvent): void {
    // Nobody knows what was missed: everything is looked at again.
    if (event.kind === 'lost') {
      this.#listener({ kind: 'available' });
      return;
    }
    if (event.kind === 'lifecycle') this.#reader.forget(event.uuid);
    this.#listener({ kind: event.kind === 'reboot' ? 'rebooted' : 'changed', uid: event.uuid });
  }

  #onDomain<T>(
    deadlineMs: number,
    call: (connection: Connection, options: { deadlineMs: number }) => Promise<T>,
  ): Promise<T> {
    return this.#run('control', (connection) => call(connection, { deadlineMs }));
  }

  #run<T>(lane: Lane, call: (connection: Connection) => Promise<T>, about?: string): Promise<T> {
    return this.#converted(this.#session.run(lane, call, about));
  }

  async #converted<T>(promise: Promise<T>): Promise<T> {
    try {
      return await promise;
    } catch (error) {
      throw asHypervisorError(error);
    }
  }

  #known<T>(fact: T | null): T {
    if (fact === null) throw new HypervisorError('unavailable', this.#session.lastError);
    return fact;
  }
}

function versionText(version: number): string {
  return [Math.floor(version / 1_000_000), Math.floor(version / 1000) % 1000, version % 1000].join('.');
}
