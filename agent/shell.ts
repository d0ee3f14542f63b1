/**
 * Gives the agent's core its hands: carries out its effects, moves its messages, and tells it the time. Everything
 * that waits, waits here; the core never does.
 */
import type { Logger } from 'pino';
import type { HostInventory } from '../proto/gen/secovia/v1/HostInventory.js';
import type { Clock } from './clock.js';
import type { AgentCore, CoreOutput, HostMetrics } from './core.js';
import { Executor } from './executor.js';
import type { FenceOrder, FenceVerdict } from './fencing/fence.js';
import type { FenceMethod } from './fencing/method.js';
import type { FenceTargetState } from './fencing/target-watch.js';
import type { Hypervisor, MachineFacts } from './hypervisor/hypervisor.js';
import type { ImageStore } from './images/image-store.js';
import { Lane } from './lane.js';
import type { LinkStream, Transport } from './link/transport.js';
import type { MigrationSettings } from './migration-settings.js';
import type { OrphanAccount } from './orphans.js';
import type { PoolLanes } from './pool-lanes.js';
import type { DiskRoom } from './room/disk-room.js';
import type { LedgerWriter } from './state/ledger-writer.js';
import type { TrashPools } from './state/trash-pools.js';
import type { ShellObserver } from './telemetry/agent-telemetry.js';
import { Trash } from './trash.js';
import type { WatchdogDevice } from './watchdog/device.js';
import type { HeldLease } from './watchdog/guard.js';
import type { LeaseFile } from './watchdog/lease-file.js';

export interface ShellParts {
  core: AgentCore;
  /** Null where the settings name none. */
  watchdog: WatchdogDevice | null;
  leaseFile: LeaseFile;
  clock: Clock;
  log: Logger;
  hypervisor: Hypervisor;
  images: ImageStore;
  pools: PoolLanes;
  trashPools: TrashPools;
  room: Pick<DiskRoom, 'keep'>;
  writer: LedgerWriter;
  transport: Transport;
  survey(machine: MachineFacts | null): Promise<HostInventory>;
  measure(): Promise<HostMetrics>;
  fence(order: FenceOrder, methods: readonly FenceMethod[]): Promise<FenceVerdict>;
  /** What this host takes, and whom it hands VMs to. */
  migration: Pick<MigrationSettings, 'uri' | 'peers'>;
  trashRetentionMs: number;
  observer?: ShellObserver;
}

const intervals = {
  /** Of the full list of domains, beside the events. */
  listMs: 5_000,
  volumesMs: 60_000,
  surveyMs: 300_000,
  measureMs: 15_000,
  trashMs: 600_000,
  roomMs: 60_000,
  /** A checkpoint alone is worth a write this often, and when the agent leaves. */
  checkpointMs: 60_000,
};
/** The scheduler is told what runs here in the first Hello, if libvirt answers within this time. */
const firstLookMs = 2_000;
const describedAtOnce = 4;
const shortestTimerMs = 5;
const longestTimerMs = 60_000;

export class AgentShell {
  readonly #parts: ShellParts;
  readonly #executor: Executor;
  readonly #trash: Trash;
  readonly #cancels = new Map<number, AbortController>();
  readonly #intervals: NodeJS.Timeout[] = [];
  #stream: LinkStream | null = null;
  #timer: NodeJS.Timeout | null = null;
  #settling = false;
  #stopped = false;
  #listing = false;
  /** Orphans that are being looked at. */
  readonly #describing = new Set<string>();
  readonly #descriptions = new Lane(describedAtOnce);
  #machineKnown = false;
  readonly startedWallMs: number;
  connectedToLibvirtWallMs: number | null = null;

  constructor(parts: ShellParts) {
    this.#parts = parts;
    this.#trash = new Trash(parts);
    this.#executor = new Executor({ ...parts, trash: this.#trash });
    this.startedWallMs = parts.clock.now().wallMs;
  }

  start(): void {
    const { hypervisor, core } = this.#parts;
    hypervisor.open((event) => {
      if (this.#stopped) return;
      if (event.kind === 'available') {
        this.#parts.log.info({ event: 'libvirt.available', version: hypervisor.availability().version });
        this.connectedToLibvirtWallMs = this.#now().wallMs;
        void this.#survey();
        void this.#list();
      } else if (event.kind === 'unavailable') {
        this.connectedToLibvirtWallMs = null;
      }
      core.hypervisorEvent(event, this.#now());
      this.#settle();
    });
    void this.#firstContact();
    this.#every(intervals.listMs, () => this.#list());
    this.#every(intervals.volumesMs, () => this.#listVolumes());
    this.#every(intervals.surveyMs, () => this.#survey());
    this.#every(intervals.measureMs, () => this.#measure());
    this.#every(intervals.trashMs, () => this.#trash.empty(this.#poolPaths()));
    this.#every(intervals.roomMs, () => this.#keepRoom());
    this.#every(intervals.checkpointMs, () => this.#writeLedger());
  }

  /** This host has another certificate. */
  certified(): void {
    this.#parts.core.certified(this.#now());
    this.#settle();
  }

  /** What is known of the management controllers that this host reaches. */
  fenceTargetsSeen(states: FenceTargetState[]): void {
    if (this.#stopped) return;
    this.#parts.core.fenceTargetsSeen(states, this.#now());
    this.#settle();
  }

  /** Leaves in order: says goodbye, writes what is not on disk yet. The guests run on. */
  async stop(reason: string): Promise<void> {
    const { core, hypervisor, log } = this.#parts;
    core.leave(reason, this.#now());
    this.#settle();
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const interval of this.#intervals) clearInterval(interval);
    await this.#writeLedger();
    this.#stopped = true;
    this.#parts.leaseFile.close();
    await hypervisor.close().catch((error) => log.warn({ err: error }, 'closing libvirt failed'));
  }

  #now() {
    return this.#parts.clock.now();
  }

  /** What has not come back is not begun again. */
  #every(intervalMs: number, work: () => Promise<void>): void {
    let isUnderWay = false;
    const begin = async () => {
      if (isUnderWay) return;
      isUnderWay = true;
      await work();
      isUnderWay = false;
    };
    this.#intervals.push(setInterval(() => void begin(), intervalMs));
  }

  /** Looks first, so that the scheduler does not hear "unknown" of every VM at each start of an agent. */
  async #firstContact(): Promise<void> {
    const deadline = this.#now().bootMs + firstLookMs;
    await Promise.all([this.#measure(), this.#survey()]);
    const { core, hypervisor } = this.#parts;
    while (this.#now().bootMs < deadline && !this.#stopped) {
      const known = core.converger.observations().every(({ state }) => state !== 'unknown');
      if (hypervisor.availability().available && known && this.#machineKnown) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    if (this.#stopped) return;
    core.startLink(this.#now());
    this.#settle();
  }

  /** Carries out what the core wants, until it wants nothing more now, and sets the alarm for when it will. */
  #settle(): void {
    if (this.#settling || this.#stopped) return;
    this.#settling = true;
    try {
      for (;;) {
        const outputs = this.#parts.core.takeOutputs();
        if (outputs.length === 0) break;
        for (const output of outputs) this.#carryOut(output);
      }
    } finally {
      this.#settling = false;
    }
    this.#setAlarm();
  }

  #setAlarm(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    const wakeAt = this.#parts.core.nextWakeAt();
    const pause = wakeAt === null ? longestTimerMs : wakeAt - this.#now().bootMs;
    this.#timer = setTimeout(
      () => {
        this.#parts.core.tick(this.#now());
        this.#settle();
      },
      Math.min(longestTimerMs, Math.max(shortestTimerMs, pause)),
    );
  }

  #carryOut(output: CoreOutput): void {
    const { core, log } = this.#parts;
    switch (output.kind) {
      case 'perform': {
        const controller = new AbortController();
        this.#cancels.set(output.ticket, controller);
        const onProgress = (text: string) => {
          if (this.#stopped) return;
          core.progress(output.ticket, text, this.#now());
          this.#settle();
        };
        void this.#executor.run(output.effect, onProgress, controller.signal).then((result) => {
          this.#cancels.delete(output.ticket);
          this.#parts.observer?.performed(output.effect.kind, result);
          if (!result.ok && result.fault.kind === 'noSpace') void this.#keepRoom();
          if (this.#stopped) return;
          core.performed(output.ticket, result, this.#now());
          this.#settle();
        });
        return;
      }
      case 'cancel':
        this.#cancels.get(output.ticket)?.abort();
        return;
      case 'fence':
        void this.#fence(output.order, output.methods);
        return;
      case 'lease':
        this.#keepLease(output.held);
        return;
      case 'armWatchdog': {
        const { timeoutS, leaseEndsAt } = output;
        this.#withWatchdog((device) => {
          device.arm(timeoutS, leaseEndsAt + timeoutS * 1000);
          core.watchdogArmed(this.#now());
          log.info({ event: 'watchdog.armed', timeoutS });
        });
        return;
      }
      case 'releaseWatchdog':
        try {
          this.#parts.watchdog?.release();
          log.info({ event: 'watchdog.released' });
        } catch (error) {
          log.error({ event: 'watchdog.unreleased' }, (error as Error).message);
        }
        return;
      case 'connect':
        this.#connect();
        return;
      case 'disconnect':
        this.#stream?.close();
        this.#stream = null;
        return;
      case 'send':
        if (this.#stream !== null && !this.#stream.send(output.request)) core.congested();
        return;
      case 'linked':
        this.#parts.observer?.linked();
        log.info({ event: 'link.up', epoch: core.ledger.epoch });
        // E1: an epoch that was believed once must not be forgotten by a crash.
        void this.#writeLedger();
        return;
      case 'unlinked':
        this.#parts.observer?.unlinked();
        log.warn({ event: 'link.down', reason: output.reason });
        return;
      case 'reportDue':
        return;
      case 'trouble':
        log.warn({ event: 'trouble' }, output.message);
        return;
    }
  }

  /** Logged before it is done, as whatever cannot be taken back. */
  async #fence(order: FenceOrder, methods: readonly FenceMethod[]): Promise<void> {
    const { core, log, fence } = this.#parts;
    log.warn({ event: 'fence.begin', id: order.id, host: order.host });
    const verdict = await fence(order, methods);
    log.warn({ event: 'fence.end', id: order.id, host: order.host, ...verdict });
    if (this.#stopped) return;
    core.fenced(order, verdict, this.#now());
    this.#settle();
  }

  /**
   * The thread that pets the watchdog learns of it, and the next process of this boot. That one takes what was confirmed in
   * the ledger to hold as long as the lease, so the file must not be ahead of the ledger, nor tell of a longer lease.
   */
  #keepLease(held: HeldLease): void {
    const { core, writer, leaseFile, log } = this.#parts;
    if (core.guard.isArmed) {
      this.#withWatchdog((device) => device.extend(held.endsAt + held.watchdogS * 1000));
    }
    if (writer.essentialsBehind) {
      void this.#writeLedger();
      if (!leaseFile.isBeyond(held)) return;
    }
    try {
      leaseFile.write(held);
    } catch (error) {
      log.warn({ event: 'lease.unwritten' }, (error as Error).message);
    }
  }

  #withWatchdog(work: (device: WatchdogDevice) => void): void {
    const { core, watchdog } = this.#parts;
    try {
      if (watchdog !== null) work(watchdog);
    } catch (error) {
      core.watchdogFailed((error as Error).message, this.#now());
    }
  }

  #connect(): void {
    const { core, transport } = this.#parts;
    this.#stream?.close();
    const tell = (work: () => void) => {
      if (this.#stopped || this.#stream !== stream) return;
      work();
      this.#settle();
    };
    const stream: LinkStream = transport.open({
      opened: () => tell(() => core.opened(this.#now())),
      received: (response) => tell(() => core.received(response, this.#now())),
      writable: () => tell(() => core.writable(this.#now())),
      ended: (reason, refused) => tell(() => core.ended(reason, this.#now(), refused)),
    });
    this.#stream = stream;
  }

  async #list(): Promise<void> {
    const { core, hypervisor, log } = this.#parts;
    if (this.#listing || !hypervisor.availability().available) return;
    this.#listing = true;
    try {
      const domains = await hypervisor.list();
      if (this.#stopped) return;
      core.listed(domains, this.#now());
      this.#settle();
      this.#describeOrphans('new');
    } catch (error) {
      log.debug({ err: error }, 'listing domains failed');
    } finally {
      this.#listing = false;
    }
  }

  async #listVolumes(): Promise<void> {
    await this.#quietly('listing volumes', async ({ core, hypervisor }) => {
      core.volumesListed(await hypervisor.listVolumes());
      this.#describeOrphans('all');
      this.#settle();
    });
  }

  /**
   * Reads what orphans are, for whoever may adopt them. What cannot be read now is tried again with all others. Nobody waits
   * for it: the disk of one may be in a pool that hangs.
   */
  #describeOrphans(which: 'new' | 'all'): void {
    for (const uid of this.#parts.core.orphansToDescribe(which)) {
      if (!this.#describing.has(uid)) void this.#describeOrphan(uid);
    }
  }

  async #describeOrphan(uid: string): Promise<void> {
    this.#describing.add(uid);
    const account = await this.#accountOf(uid);
    this.#describing.delete(uid);
    if (this.#stopped) return;
    this.#parts.core.orphanDescribed(uid, account);
    // Of many that are read together the last one tells of all; else they are told of when anything is next.
    if (this.#describing.size === 0) this.#settle();
  }

  async #accountOf(uid: string): Promise<OrphanAccount> {
    const { hypervisor, pools } = this.#parts;
    let domain: OrphanAccount['domain'] = null;
    try {
      domain = await this.#descriptions.run(() => hypervisor.describe(uid));
      const poolPath = domain === null ? '' : domain.poolPath;
      const read = (path: string) => () => hypervisor.readVolume({ uid, poolPath: path });
      const volume = poolPath === null ? null : await pools.run(poolPath, 'look', read(poolPath));
      return { domain, volume, problem: '' };
    } catch (error) {
      const problem = `it cannot be read now: ${error instanceof Error ? error.message : error}`;
      return { domain, volume: null, problem };
    }
  }

  async #survey(): Promise<void> {
    await this.#quietly('taking the inventory', async ({ core, hypervisor, survey }) => {
      const machine = hypervisor.availability().available ? await hypervisor.machine() : null;
      // Without libvirt less is known: what was known before stays true.
      if (machine === null && core.inventory !== null) return;
      const inventory = await survey(machine);
      // One that was begun without libvirt may end after one that knows more.
      if (machine === null && this.#machineKnown) return;
      core.surveyed(inventory);
      this.#machineKnown ||= machine !== null;
      this.#settle();
    });
  }

  async #measure(): Promise<void> {
    await this.#quietly('measuring', async ({ core, measure }) => core.measured(await measure()));
  }

  async #keepRoom(): Promise<void> {
    await this.#quietly('keeping room on the disk', ({ room }) => room.keep());
  }

  async #writeLedger(): Promise<void> {
    await this.#quietly('writing the state', async ({ core, writer }) => {
      if (writer.behind) await writer.persist(core.ledger.version);
    });
  }

  /** Shared pools' folders that VMs of this host use or have used lately. */
  #poolPaths(): string[] {
    const paths = [...this.#parts.core.ledger.permits()].map(({ desired }) => desired.storagePoolPath);
    return [...new Set(paths)].filter((path) => path !== '');
  }

  async #quietly(what: string, work: (parts: ShellParts) => Promise<void>): Promise<void> {
    try {
      if (!this.#stopped) await work(this.#parts);
    } catch (error) {
      this.#parts.log.warn({ err: error }, `${what} failed`);
    }
  }
}
