/**
 * Every libvirt call of a connection by name. Arguments are checked and flags are translated in C++, by libvirt's
 * own constants; a new call is a line in a table there, a line in `Connection`, and a method here.
 */
import type {
  BlockInfo,
  CallOptions,
  Connection,
  Counter,
  DomainInfo,
  DomainRef,
  DomainStateInfo,
  FreePages,
  JobInfo,
  NodeInfo,
  PoolInfo,
  StatsRecord,
  TypedValue,
  VolumeInfo,
} from './index.js';

type RemoteCalls = Omit<Connection, 'uri' | 'onClose' | 'onEvent' | 'close'>;

export abstract class Calls implements RemoteCalls {
  protected abstract call<Result>(
    name: string,
    options: CallOptions | undefined,
    ...args: unknown[]
  ): Promise<Result>;

  isAlive(options?: CallOptions): Promise<boolean> {
    return this.call('isAlive', options);
  }

  hostname(options?: CallOptions): Promise<string> {
    return this.call('hostname', options);
  }

  libVersion(options?: CallOptions): Promise<number> {
    return this.call('libVersion', options);
  }

  hypervisorVersion(options?: CallOptions): Promise<number> {
    return this.call('hypervisorVersion', options);
  }

  capabilities(options?: CallOptions): Promise<string> {
    return this.call('capabilities', options);
  }

  domainCapabilities(
    query: { emulator?: string; arch?: string; machine?: string; virtType?: string },
    options?: CallOptions,
  ): Promise<string> {
    return this.call('domainCapabilities', options, query);
  }

  nodeInfo(options?: CallOptions): Promise<NodeInfo> {
    return this.call('nodeInfo', options);
  }

  freeMemoryBytes(options?: CallOptions): Promise<Counter> {
    return this.call('freeMemoryBytes', options);
  }

  cellsFreeMemoryBytes(start: number, count: number, options?: CallOptions): Promise<Counter[]> {
    return this.call('cellsFreeMemoryBytes', options, start, count);
  }

  freePages(
    sizesKib: number[],
    startCell: number,
    cellCount: number,
    options?: CallOptions,
  ): Promise<FreePages[]> {
    return this.call('freePages', options, sizesKib, startCell, cellCount);
  }

  domainList(query?: { active?: boolean }, options?: CallOptions): Promise<DomainRef[]> {
    return this.call('domainList', options, query);
  }

  domainLookup(uuid: string, options?: CallOptions): Promise<DomainRef> {
    return this.call('domainLookup', options, uuid);
  }

  domainDefine(xml: string, flags?: { validate?: boolean }, options?: CallOptions): Promise<DomainRef> {
    return this.call('domainDefine', options, xml, flags);
  }

  domainCreate(
    uuid: string,
    flags?: { paused?: boolean; forceBoot?: boolean },
    options?: CallOptions,
  ): Promise<void> {
    return this.call('domainCreate', options, uuid, flags);
  }

  domainShutdown(uuid: string, mode?: 'default' | 'acpi' | 'agent', options?: CallOptions): Promise<void> {
    return this.call('domainShutdown', options, uuid, mode);
  }

  domainReboot(uuid: string, mode?: 'default' | 'acpi' | 'agent', options?: CallOptions): Promise<void> {
    return this.call('domainReboot', options, uuid, mode);
  }

  domainReset(uuid: string, options?: CallOptions): Promise<void> {
    return this.call('domainReset', options, uuid);
  }

  domainDestroy(uuid: string, flags?: { graceful?: boolean }, options?: CallOptions): Promise<void> {
    return this.call('domainDestroy', options, uuid, flags);
  }

  domainSuspend(uuid: string, options?: CallOptions): Promise<void> {
    return this.call('domainSuspend', options, uuid);
  }

  domainResume(uuid: string, options?: CallOptions): Promise<void> {
    return this.call('domainResume', options, uuid);
  }

  domainUndefine(
    uuid: string,
    flags?: { nvram?: boolean; managedSave?: boolean; snapshotsMetadata?: boolean; keepNvram?: boolean },
    options?: CallOptions,
  ): Promise<void> {
    return this.call('domainUndefine', options, uuid, flags);
  }

  domainXml(
    uuid: string,
    flags?: { inactive?: boolean; secure?: boolean },
    options?: CallOptions,
  ): Promise<string> {
    return this.call('domainXml', options, uuid, flags);
  }

  domainGetMetadata(uuid: string, namespaceUri: string, options?: CallOptions): Promise<string | null> {
    return this.call('domainGetMetadata', options, uuid, namespaceUri);
  }

  domainSetMetadata(
    uuid: string,
    namespaceUri: string,
    prefix: string,
    xml: string | null,
    options?: CallOptions,
  ): Promise<void> {
    return this.call('domainSetMetadata', options, uuid, namespaceUri, prefix, xml);
  }

  domainState(uuid: string, options?: CallOptions): Promise<DomainStateInfo> {
    return this.call('domainState', options, uuid);
  }

  domainInfo(uuid: string, options?: CallOptions): Promise<DomainInfo> {
    return this.call('domainInfo', options, uuid);
  }

  domainSetAutostart(uuid: string, on: boolean, options?: CallOptions): Promise<void> {
    return this.call('domainSetAutostart', options, uuid, on);
  }

  domainManagedSave(uuid: string, options?: CallOptions): Promise<void> {
    return this.call('domainManagedSave', options, uuid);
  }

  allDomainStats(query?: { groups?: number }, options?: CallOptions): Promise<StatsRecord[]> {
    return this.call('allDomainStats', options, query);
  }

  domainSetVcpus(
    uuid: string,
    count: number,
    flags?: { live?: boolean; config?: boolean; maximum?: boolean },
    options?: CallOptions,
  ): Promise<void> {
    return this.call('domainSetVcpus', options, uuid, count, flags);
  }

  domainSetMemoryKib(
    uuid: string,
    kib: number,
    flags?: { live?: boolean; config?: boolean; maximum?: boolean },
    options?: CallOptions,
  ): Promise<void> {
    return this.call('domainSetMemoryKib', options, uuid, kib, flags);
  }

  domainBlockInfo(uuid: string, disk: string, options?: CallOptions): Promise<BlockInfo> {
    return this.call('domainBlockInfo', options, uuid, disk);
  }

  domainBlockResize(uuid: string, disk: string, capacityBytes: number, options?: CallOptions): Promise<void> {
    return this.call('domainBlockResize', options, uuid, disk, capacityBytes);
  }

  domainPinVcpu(uuid: string, vcpu: number, cpus: readonly number[], options?: CallOptions): Promise<void> {
    return this.call('domainPinVcpu', options, uuid, vcpu, cpus);
  }

  domainPinEmulator(uuid: string, cpus: readonly number[], options?: CallOptions): Promise<void> {
    return this.call('domainPinEmulator', options, uuid, cpus);
  }

  domainMigrate(
    uuid: string,
    destinationUri: string,
    flags: number,
    parameters?: Record<string, TypedValue>,
    options?: CallOptions,
  ): Promise<void> {
    return this.call('domainMigrate', options, uuid, destinationUri, flags, parameters);
  }

  domainJobStats(uuid: string, flags?: { completed?: boolean }, options?: CallOptions): Promise<JobInfo> {
    return this.call('domainJobStats', options, uuid, flags);
  }

  domainAbortJob(uuid: string, options?: CallOptions): Promise<void> {
    return this.call('domainAbortJob', options, uuid);
  }

  poolList(options?: CallOptions): Promise<PoolInfo[]> {
    return this.call('poolList', options);
  }

  poolDefine(xml: string, options?: CallOptions): Promise<PoolInfo> {
    return this.call('poolDefine', options, xml);
  }

  poolBuild(pool: string, options?: CallOptions): Promise<void> {
    return this.call('poolBuild', options, pool);
  }

  poolStart(pool: string, options?: CallOptions): Promise<void> {
    return this.call('poolStart', options, pool);
  }

  poolStop(pool: string, options?: CallOptions): Promise<void> {
    return this.call('poolStop', options, pool);
  }

  poolUndefine(pool: string, options?: CallOptions): Promise<void> {
    return this.call('poolUndefine', options, pool);
  }

  poolRefresh(pool: string, options?: CallOptions): Promise<void> {
    return this.call('poolRefresh', options, pool);
  }

  poolInfo(pool: string, options?: CallOptions): Promise<PoolInfo> {
    return this.call('poolInfo', options, pool);
  }

  poolSetAutostart(pool: string, on: boolean, options?: CallOptions): Promise<void> {
    return this.call('poolSetAutostart', options, pool, on);
  }

  volumeList(pool: string, options?: CallOptions): Promise<VolumeInfo[]> {
    return this.call('volumeList', options, pool);
  }

  volumeCreate(pool: string, xml: string, options?: CallOptions): Promise<VolumeInfo> {
    return this.call('volumeCreate', options, pool, xml);
  }

  volumeInfo(pool: string, volume: string, options?: CallOptions): Promise<VolumeInfo> {
    return this.call('volumeInfo', options, pool, volume);
  }

  volumeResize(
    pool: string,
    volume: string,
    capacityBytes: number,
    flags?: { shrink?: boolean; allocate?: boolean },
    options?: CallOptions,
  ): Promise<void> {
    return this.call('volumeResize', options, pool, volume, capacityBytes, flags);
  }

  volumeDelete(pool: string, volume: string, options?: CallOptions): Promise<void> {
    return this.call('volumeDelete', options, pool, volume);
  }
}
