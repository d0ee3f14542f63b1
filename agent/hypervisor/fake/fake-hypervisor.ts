/**
 * The fake host behind the `Hypervisor` interface, for demonstrations and tests of the whole agent. With a folder
 * it keeps its host in a file there, so domains "run on" while no agent does, as they would on a real host.
 */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type {
  Availability,
  Blueprint,
  DomainAccount,
  DomainSummary,
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
import { HypervisorError } from '../hypervisor.js';
import { FakeHost, type FakeHostContent } from './fake-host.js';
import { type FakeMoveEnd, isSaidToHaveGone } from './fake-move.js';

/** The host as it is saved; `calls` are those that changed something, as `start UID`. */
export interface SavedHost extends FakeHostContent {
  calls: string[];
}

const keptCalls = 1_000;

export class FakeHypervisor implements Hypervisor {
  readonly host: FakeHost;
  #listener: (event: HypervisorEvent) => void = () => undefined;
  #available = false;
  #error = 'not connected yet';

  constructor(host: FakeHost = new FakeHost()) {
    this.host = host;
    host.onEvent = (event) => queueMicrotask(() => this.#available && this.#listener(event));
  }

  /** A host whose state is kept in `folder`, together with the calls that led to it: one file, written whole. */
  static inFolder(folder: string, extras: ExtraCatalogue = {}): FakeHypervisor {
    mkdirSync(folder, { recursive: true });
    const file = join(folder, 'fake-host.json');
    const { calls, ...content } = readSaved(file) ?? { calls: [] };
    const host = new FakeHost('domains' in content ? content : undefined, extras);
    let done = calls;
    host.onChange = (call) => {
      if (call !== null) done = [...done, `${call.call} ${call.uid}`].slice(-keptCalls);
      const saved: SavedHost = { ...host.content(), calls: done };
      writeFileSync(`${file}.new`, JSON.stringify(saved));
      renameSync(`${file}.new`, file);
    };
    return new FakeHypervisor(host);
  }

  open(listener: (event: HypervisorEvent) => void): void {
    this.#listener = listener;
    setImmediate(() => this.setAvailable(true));
  }

  async close(): Promise<void> {
    this.#available = false;
    this.#listener = () => undefined;
  }

  /** Plays a hypervisor that goes away and comes back. */
  setAvailable(available: boolean, error = 'the fake hypervisor was switched off'): void {
    this.#available = available;
    this.#error = available ? '' : error;
    this.#listener(available ? { kind: 'available' } : { kind: 'unavailable', error });
  }

  availability(): Availability {
    return { available: this.#available, error: this.#error, version: '0.0.0' };
  }

  machine(): Promise<MachineFacts> {
    return this.#answer(() => ({
      architecture: 'x86_64',
      cpuModel: 'Fake',
      cpuFeatures: [],
      accelerators: ['tcg'],
      cpus: 16,
      memoryMib: 65_536,
      sockets: 1,
      coresPerSocket: 16,
      threadsPerCore: 1,
      numaCells: this.host.cells,
      version: '0.0.0',
      hypervisorVersion: '0.0.0',
    }));
  }

  list(): Promise<DomainSummary[]> {
    return this.#answer(() => this.host.list());
  }

  inspect(uid: string): Promise<ObservedDomain | null> {
    return this.#answer(() => this.host.inspect(uid));
  }

  describe(uid: string): Promise<DomainAccount | null> {
    return this.#answer(() => this.host.describe(uid));
  }

  define(blueprint: Blueprint): Promise<void> {
    return this.#answer(() => this.host.define(blueprint));
  }

  start(uid: string): Promise<void> {
    return this.#answer(() => this.host.start(uid));
  }

  shutdown(uid: string): Promise<void> {
    return this.#answer(() => this.host.shutdown(uid));
  }

  reboot(uid: string): Promise<void> {
    return this.#answer(() => this.host.reboot(uid));
  }

  reset(uid: string): Promise<void> {
    return this.#answer(() => this.host.reset(uid));
  }

  destroy(uid: string): Promise<void> {
    return this.#answer(() => this.host.destroy(uid));
  }

  undefine(uid: string): Promise<void> {
    return this.#answer(() => this.host.undefine(uid));
  }

  addVcpus(uid: string, vcpus: number): Promise<void> {
    return this.#answer(() => this.host.addVcpus(uid, vcpus));
  }

  record(uid: string, metadata: VmMetadata): Promise<void> {
    return this.#answer(() => this.host.record(uid, metadata));
  }

  leaving(uid: string): Promise<Leaving | null> {
    return this.#answer(() => this.host.leaving(uid));
  }

  async migrate(uid: string, peerUri: string, { onProgress, signal }: MoveControl): Promise<void> {
    const move = await this.#answer(() => {
      if (signal.aborted) throw new HypervisorError('failed', 'it was called off before it began');
      return this.host.migrate(uid, peerUri);
    });
    onProgress({ percent: move.percent });
    const abort = () => move.end('failed');
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    const end = await new Promise<FakeMoveEnd>((resolve) => move.whenOver(resolve));
    signal.removeEventListener('abort', abort);
    await this.#answer(() => undefined);
    if (!isSaidToHaveGone(end)) throw new HypervisorError('failed', `${uid} is still here`);
  }

  abortMigration(uid: string): Promise<void> {
    return this.#answer(() => this.host.abortMigration(uid));
  }

  volumeExists(volume: VolumeRef): Promise<boolean> {
    return this.#answer(() => this.host.volumeExists(volume));
  }

  createVolume(request: VolumeRequest): Promise<void> {
    return this.#answer(() => this.host.createVolume(request));
  }

  growVolume(volume: VolumeRef, sizeMib: number): Promise<number> {
    return this.#answer(() => this.host.growVolume(volume, sizeMib));
  }

  trashVolume(volume: VolumeRef, keepUntilWallMs: number): Promise<void> {
    return this.#answer(() => this.host.trashVolume(volume, Date.now(), keepUntilWallMs));
  }

  removeVolume(volume: VolumeRef): Promise<void> {
    return this.#answer(() => this.host.removeVolume(volume));
  }

  listVolumes(): Promise<{ uid: string; file: string; whole: boolean }[]> {
    return this.#answer(() => this.host.listVolumes());
  }

  readVolume(volume: VolumeRef): Promise<VolumeAccount | null> {
    return this.#answer(() => this.host.readVolume(volume));
  }

  emptyTrash(_poolPath: string, olderThanMs: number): Promise<number> {
    return this.#answer(() => this.host.emptyTrash(olderThanMs, Date.now()));
  }

  async #answer<T>(call: () => T): Promise<T> {
    await new Promise((resolve) => setImmediate(resolve));
    if (!this.#available) throw new HypervisorError('unavailable', this.#error);
    return call();
  }
}

function readSaved(file: string): SavedHost | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as SavedHost;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
