/**
 * A host that exists only in memory: domains that run because somebody said so, and volumes that are names. It is
 * synchronous, so a simulator can run hundreds; it can be saved as plain data, so it outlives an agent that is
 * killed; and it can be told to crash, to power off from inside, or to fail the next call.
 */
import {
  type Blueprint,
  type DomainAccount,
  type DomainSummary,
  type Hardware,
  HypervisorError,
  type HypervisorEvent,
  type NumaCellFacts,
  type ObservedDomain,
  type OffReason,
  type Power,
  type VmMetadata,
  type VolumeAccount,
  type VolumeRef,
  type VolumeRequest,
} from '../hypervisor.js';
import { sha256OfImageFile } from '../../images/image-file.js';
import type { ExtraCatalogue } from '../../inventory/extras.js';
import { chooseDevices } from '../devices.js';
import { layOut, mostVcpus } from '../layout.js';
import { FakeMove, type FakeMoveEnd } from './fake-move.js';
import type { FakeNetwork } from './fake-network.js';

/** What a domain is made from, and what it is marked with. */
interface FakeMachine {
  metadata: VmMetadata | null;
  vcpus: number;
  memoryMib: number;
}

/** As it is defined. */
export interface FakeDomain extends FakeMachine {
  uid: string;
  name: string;
  power: Power;
  /** While it is not off: what it was started with, and what it was given since. */
  running?: FakeMachine & { mostVcpus: number };
  /** Addresses of the host's devices. */
  devices?: string[];
  /** CPUs of the host that it has to itself. */
  cpus?: number[];
  hardware?: Hardware | undefined;
  title?: string;
  /** Where its disk is; left out for the host's own pool. */
  poolPath?: string;
}

export interface FakeVolume {
  uid: string;
  poolPath: string;
  sizeMib: number;
  /** The file that it is a child of. */
  backing?: string;
}

export interface FakeHostContent {
  domains: FakeDomain[];
  volumes: FakeVolume[];
  trash: { uid: string; thrownAtMs: number; keepUntilMs?: number }[];
}

/** A call that changes something. */
export interface FakeCall {
  call:
    | 'define'
    | 'start'
    | 'shutdown'
    | 'reboot'
    | 'reset'
    | 'destroy'
    | 'undefine'
    | 'addVcpus'
    | 'migrate'
    | 'createVolume';
  uid: string;
}

const keptCalls = 10_000;

export class FakeHost {
  readonly #domains = new Map<string, FakeDomain>();
  readonly #volumes = new Map<string, FakeVolume>();
  #trash: FakeHostContent['trash'];
  /** The latest of them, in the order in which they came. */
  readonly calls: FakeCall[] = [];
  /** Guests that ignore the power button. */
  readonly deaf = new Set<string>();
  /** Hosts that it reaches; null for none. */
  network: Pick<FakeNetwork, 'find'> | null = null;
  /** Volumes that other hosts see as well; null keeps those of shared pools to this host. */
  shared: Map<string, FakeVolume> | null = null;
  /** A hand-over that is begun arrives at once, but for these: they go on until somebody ends them. */
  slowMoves = false;
  readonly #moves = new Map<string, FakeMove>();
  /** The same at the other end. */
  readonly #arrivals = new Map<string, FakeMove>();
  /** Thrown once by the next call of that kind. */
  readonly failures = new Map<FakeCall['call'], HypervisorError[]>();
  /** One cell of 16 CPUs, two a core. */
  cells: NumaCellFacts[] = [
    {
      id: 0,
      cpus: 16,
      cores: Array.from({ length: 8 }, (_, core) => [2 * core, 2 * core + 1]),
      memoryMib: 65_536,
      hugepages: [],
    },
  ];
  onEvent: (event: HypervisorEvent) => void = () => undefined;
  /** Called after each change, before the caller hears of it. */
  onChange: (call: FakeCall | null) => void = () => undefined;

  constructor(
    content: FakeHostContent = { domains: [], volumes: [], trash: [] },
    /** What may be given to guests. */
    readonly extras: ExtraCatalogue = {},
  ) {
    for (const domain of content.domains) this.#domains.set(domain.uid, domain);
    for (const volume of content.volumes) this.#volumes.set(key(volume), volume);
    this.#trash = content.trash;
  }

  content(): FakeHostContent {
    return {
      domains: [...this.#domains.values()],
      volumes: [...this.#volumes.values()],
      trash: this.#trash,
    };
  }

  list(): DomainSummary[] {
    return [...this.#domains.values()].map(({ uid, name, power, metadata }) => ({
      uid,
      name,
      power,
      ours: metadata !== null,
    }));
  }

  inspect(uid: string): ObservedDomain | null {
    const domain = this.#domains.get(uid);
    if (domain === undefined) return null;
    const { name, power } = domain;
    const { metadata, vcpus, memoryMib } = domain.running ?? domain;
    const compute = { vcpus, memoryMib };
    return { uid, name, power, metadata: metadata === null ? null : { ...metadata }, compute };
  }

  describe(uid: string): DomainAccount | null {
    const seen = this.inspect(uid);
    const domain = this.#domains.get(uid);
    if (domain === undefined || seen === null || seen.metadata === null) return null;
    const { title = '', poolPath = '', hardware } = domain;
    const { metadata, compute } = seen;
    return { title, metadata, compute, hardware, poolPath, problem: '' };
  }

  define(blueprint: Blueprint): void {
    this.#count('define', blueprint.uid);
    const { uid, name, title, poolPath, vcpus, memoryMib, hardware, metadata } = blueprint;
    if (!this.#volumesOf(blueprint).has(key(blueprint)))
      throw new HypervisorError('invalid', `no volume for ${uid}`);
    const old = this.#domains.get(uid);
    const power: Power = old?.power ?? { kind: 'off', reason: 'unknown' };
    const devices = this.#devicesFor(uid, hardware?.extras ?? {});
    const { dedicated, pins } = layOut(blueprint, this.cells, this.#dedicatedCpus());
    const cpus = dedicated ? pins.flat() : [];
    const { running } = old ?? {};
    const made = { title, poolPath, hardware, devices, cpus };
    const machine = { metadata: { ...metadata }, vcpus, memoryMib, ...made };
    this.#domains.set(uid, { uid, name, power, ...machine, ...(running === undefined ? {} : { running }) });
    this.#changed('define', uid);
  }

  start(uid: string): void {
    const domain = this.#domain(uid);
    if (domain.power.kind !== 'off') return;
    this.#count('start', uid);
    this.#turn(domain, { kind: 'running' });
    this.#changed('start', uid);
  }

  shutdown(uid: string): void {
    const domain = this.#domain(uid);
    this.#count('shutdown', uid);
    if (domain.power.kind === 'running' && !this.deaf.has(uid)) {
      this.#turn(domain, { kind: 'off', reason: 'shutdown' });
    }
    this.#changed('shutdown', uid);
  }

  reboot(uid: string): void {
    this.#domain(uid);
    this.#count('reboot', uid);
    this.#changed('reboot', uid);
    if (!this.deaf.has(uid)) this.onEvent({ kind: 'rebooted', uid });
  }

  reset(uid: string): void {
    this.#domain(uid);
    this.#count('reset', uid);
    this.#changed('reset', uid);
    this.onEvent({ kind: 'rebooted', uid });
  }

  destroy(uid: string): void {
    const domain = this.#domains.get(uid);
    if (domain === undefined || domain.power.kind === 'off') return;
    this.#count('destroy', uid);
    const arrival = this.#arrival(uid);
    if (arrival !== undefined) {
      // Nothing of it is here before it has arrived, and where it comes from it goes on.
      arrival.end('failed');
      return;
    }
    this.#turn(domain, { kind: 'off', reason: 'destroyed' });
    this.#changed('destroy', uid);
  }

  undefine(uid: string): void {
    if (!this.#domains.has(uid)) return;
    this.#count('undefine', uid);
    if (this.#arrival(uid) !== undefined) throw new HypervisorError('failed', `${uid} is not defined yet`);
    this.#domains.delete(uid);
    this.#changed('undefine', uid);
  }

  addVcpus(uid: string, vcpus: number): void {
    const { running } = this.#domain(uid);
    this.#count('addVcpus', uid);
    if (running === undefined) throw new HypervisorError('failed', `${uid} is off`);
    if (vcpus > running.mostVcpus) {
      throw new HypervisorError('invalid', `${uid} can be given ${running.mostVcpus} vCPUs at most`);
    }
    running.vcpus = vcpus;
    this.#changed('addVcpus', uid);
  }

  record(uid: string, metadata: VmMetadata): void {
    const domain = this.#domain(uid);
    domain.metadata = { ...metadata };
    if (domain.running !== undefined) domain.running.metadata = { ...metadata };
    this.onChange(null);
  }

  /** Begins to hand a running domain over; see `slowMoves`. */
  migrate(uid: string, peerUri: string): FakeMove {
    const domain = this.#domain(uid);
    this.#count('migrate', uid);
    if (domain.power.kind !== 'running') throw new HypervisorError('failed', `${uid} does not run`);
    if (this.leaving(uid) !== null) throw new HypervisorError('failed', `${uid} is leaving already`);
    const target = this.network?.find(peerUri);
    if (target === undefined) throw new HypervisorError('failed', `unable to connect to ${peerUri}`);
    const move = new FakeMove(this, domain, target);
    this.#moves.set(uid, move);
    this.#changed('migrate', uid);
    if (!this.slowMoves) move.end('arrived');
    return move;
  }

  leaving(uid: string): { percent: number } | null {
    const move = this.#moves.get(uid);
    return move === undefined || move.isOver ? null : { percent: move.percent };
  }

  endMove(uid: string, how: FakeMoveEnd): void {
    this.#moves.get(uid)?.end(how);
  }

  abortMigration(uid: string): void {
    this.endMove(uid, 'failed');
  }

  #arrival(uid: string): FakeMove | undefined {
    const move = this.#arrivals.get(uid);
    return move?.isOver === false ? move : undefined;
  }

  /** A running domain begins to come from somewhere else. */
  receive(domain: FakeDomain, move: FakeMove): void {
    this.#arrivals.set(domain.uid, move);
    this.put(domain);
  }

  /** A domain comes from somewhere else. */
  put(domain: FakeDomain): void {
    this.#domains.set(domain.uid, domain);
    this.onChange(null);
    this.onEvent({ kind: 'changed', uid: domain.uid });
  }

  hasVolumeOf(uid: string): boolean {
    return [this.#volumes, this.shared ?? this.#volumes].some((volumes) =>
      [...volumes.values()].some((volume) => volume.uid === uid),
    );
  }

  volumeExists(volume: VolumeRef): boolean {
    return this.#volumesOf(volume).has(key(volume));
  }

  createVolume({ uid, poolPath, sizeMib, backing }: VolumeRequest): void {
    this.#count('createVolume', uid);
    const volume = { uid, poolPath, sizeMib, backing: backing.path };
    this.#volumesOf({ poolPath }).set(key({ uid, poolPath }), volume);
    this.onChange({ call: 'createVolume', uid });
  }

  growVolume(volume: VolumeRef, sizeMib: number): number {
    const found = this.#volumesOf(volume).get(key(volume));
    if (found === undefined) throw new HypervisorError('failed', `no volume for ${volume.uid}`);
    found.sizeMib = Math.max(found.sizeMib, sizeMib);
    this.onChange(null);
    return found.sizeMib;
  }

  volumeSizeMib(volume: VolumeRef): number | undefined {
    return this.#volumesOf(volume).get(key(volume))?.sizeMib;
  }

  trashVolume(volume: VolumeRef, wallMs: number, keepUntilMs?: number): void {
    if (this.#volumesOf(volume).delete(key(volume))) {
      this.#trash = [...this.#trash, { uid: volume.uid, thrownAtMs: wallMs, keepUntilMs }];
      this.onChange(null);
    }
  }

  removeVolume(volume: VolumeRef): void {
    if (this.#volumesOf(volume).delete(key(volume))) this.onChange(null);
  }

  listVolumes(): { uid: string; file: string; whole: boolean }[] {
    const here = [...this.#volumes.values()].filter(({ poolPath }) => poolPath === '');
    return here.map(({ uid }) => ({ uid, file: `${uid}.qcow2`, whole: true }));
  }

  readVolume(volume: VolumeRef): VolumeAccount | null {
    const found = this.#volumesOf(volume).get(key(volume));
    if (found === undefined) return null;
    return { sizeMib: found.sizeMib, imageSha256: sha256OfImageFile(found.backing ?? '') };
  }

  emptyTrash(olderThanMs: number, wallMs: number): number {
    const kept = this.#trash.filter(
      ({ thrownAtMs, keepUntilMs }) => wallMs < (keepUntilMs ?? thrownAtMs + olderThanMs),
    );
    const removed = this.#trash.length - kept.length;
    this.#trash = kept;
    if (removed > 0) this.onChange(null);
    return removed;
  }

  /** Something outside of Secovia: a domain of somebody else. */
  addForeign(uid: string, name: string): void {
    const power: Power = { kind: 'running' };
    this.#domains.set(uid, { uid, name, power, metadata: null, vcpus: 1, memoryMib: 64 });
    this.onEvent({ kind: 'changed', uid });
  }

  /** The guest goes off, for a reason of its own or of the machine's. */
  powerOff(uid: string, reason: OffReason): void {
    this.setPower(uid, { kind: 'off', reason });
  }

  setPower(uid: string, power: Power): void {
    this.#turn(this.#domain(uid), power);
    this.onChange(null);
    this.onEvent({ kind: 'changed', uid });
  }

  /** Somebody takes the domain away behind everybody's back. */
  lose(uid: string): void {
    this.#domains.delete(uid);
    this.onChange(null);
    this.onEvent({ kind: 'changed', uid });
  }

  failNext(call: FakeCall['call'], error: HypervisorError): void {
    this.failures.set(call, [...(this.failures.get(call) ?? []), error]);
  }

  #devicesFor(uid: string, extras: Readonly<Record<string, number>>): string[] {
    const own = new Set(this.#domains.get(uid)?.devices);
    const others = [...this.#domains.values()].filter((domain) => domain.uid !== uid);
    return chooseDevices(extras, this.extras, own, new Set(others.flatMap(({ devices = [] }) => devices)));
  }

  #dedicatedCpus(): Map<string, number[]> {
    return new Map([...this.#domains.values()].map(({ uid, cpus = [] }) => [uid, cpus]));
  }

  cpusOf(uid: string): readonly number[] {
    return this.#domains.get(uid)?.cpus ?? [];
  }

  devicesOf(uid: string): readonly string[] {
    return this.#domains.get(uid)?.devices ?? [];
  }

  /** One that goes off has what its definition says from then on. */
  #turn(domain: FakeDomain, power: Power): void {
    domain.power = power;
    if (power.kind === 'off') delete domain.running;
    else {
      const { metadata, vcpus, memoryMib } = domain;
      domain.running ??= { metadata, vcpus, memoryMib, mostVcpus: mostVcpus(domain, this.cells) };
    }
  }

  #volumesOf({ poolPath }: Pick<VolumeRef, 'poolPath'>): Map<string, FakeVolume> {
    return poolPath === '' ? this.#volumes : (this.shared ?? this.#volumes);
  }

  #domain(uid: string): FakeDomain {
    const domain = this.#domains.get(uid);
    if (domain === undefined) throw new HypervisorError('absent', `no domain ${uid}`);
    return domain;
  }

  #count(call: FakeCall['call'], uid: string): void {
    this.calls.push({ call, uid });
    if (this.calls.length > keptCalls) this.calls.splice(0, keptCalls / 2);
    const [failure, ...later] = this.failures.get(call) ?? [];
    if (failure === undefined) return;
    this.failures.set(call, later);
    throw failure;
  }

  #changed(call: FakeCall['call'], uid: string): void {
    this.onChange({ call, uid });
    this.onEvent({ kind: 'changed', uid });
  }
}

const key = ({ uid, poolPath }: VolumeRef): string => `${poolPath}:${uid}`;
