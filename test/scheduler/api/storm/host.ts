/**
 * A host whose agent brings about at once whatever is desired, and comes back after every crash of the scheduler. Now and
 * then it says first that it is at work, leaves a word unanswered until the next one, refuses a VM that it does not
 * have yet (then nothing of it is there, and the scheduler takes it to another host), or does not get a guest handed over.
 */
import { isDeepStrictEqual } from 'node:util';
import * as grpc from '@grpc/grpc-js';
import type { Checkpoint__Output } from '../../../../proto/gen/secovia/v1/Checkpoint.js';
import type { Desired__Output } from '../../../../proto/gen/secovia/v1/Desired.js';
import type { LinkRequest } from '../../../../proto/gen/secovia/v1/LinkRequest.js';
import type { LinkResponse__Output } from '../../../../proto/gen/secovia/v1/LinkResponse.js';
import type { Observation } from '../../../../proto/gen/secovia/v1/Observation.js';
import type { Random } from '../../core/placement/random.js';
import { inventory, machineIdOf, report } from '../agent.js';
import { type Api, definitionOf } from '../client.js';

const noAnswer = { code: 10, message: 'the other host does not answer on its port' };
const noSpace = { code: 8, message: 'no space left' };

export interface HostSize {
  vcpus: number;
  memoryMib: number;
  diskMib: number;
}

/** A VM as it is on the host. */
interface Here {
  term: number;
  /** The newest that was reached. */
  generation: number;
  runs: boolean;
  size: HostSize;
}

type Link = grpc.ClientDuplexStream<LinkRequest, LinkResponse__Output>;

const states: Partial<Record<Desired__Output['role'], Observation['state']>> = {
  VM_ROLE_STOPPED: 'DOMAIN_STATE_STOPPED',
  VM_ROLE_DELETED: 'DOMAIN_STATE_ABSENT',
  VM_ROLE_RELEASED: 'DOMAIN_STATE_ABSENT',
};

export class StormHost {
  /** By VM: what it has of it. */
  readonly #here = new Map<string, Here>();
  /** What may arrive, with what it was told of it. */
  readonly #awaited = new Map<string, Desired__Output>();
  #link: Link | null = null;
  #checkpoint: Checkpoint__Output | null = null;
  /** Words that it has not answered yet. */
  #waiting: Desired__Output[] = [];
  #ended = false;
  #calm = false;
  #welcome: () => void = () => {};
  readonly #welcomed = new Promise<void>((resolve) => {
    this.#welcome = resolve;
  });

  constructor(
    private readonly api: Api,
    readonly id: string,
    private readonly size: HostSize,
    private readonly random: Random,
    /** The other hosts, by id, to which guests are handed over. */
    private readonly others: ReadonlyMap<string, StormHost>,
    /** Told why the scheduler would not speak with it. */
    private readonly rejected: (error: Error) => void,
  ) {}

  /** Joins, and stays connected until it is ended. */
  async join(site: string): Promise<void> {
    await this.api.call('Join', { hostId: this.id, site: `sites/${site}`, machineId: machineIdOf(this.id) });
    this.#connect();
    await this.#welcomed;
  }

  end(): void {
    this.#ended = true;
    this.#link?.cancel();
  }

  /** Answers everything from now on, at once, and as it is told. */
  settle(): void {
    this.#calm = true;
    for (const desired of this.#waiting.splice(0)) this.#answer(desired);
  }

  #connect(): void {
    const { path, requestSerialize, responseDeserialize } = definitionOf('Link');
    const link = this.api.channel.makeBidiStreamRequest<LinkRequest, LinkResponse__Output>(
      path,
      requestSerialize as (value: LinkRequest) => Buffer,
      responseDeserialize as (bytes: Buffer) => LinkResponse__Output,
      new grpc.Metadata({ waitForReady: true }),
    );
    this.#link = link;
    // What waited will be said again.
    this.#waiting = [];
    link.on('data', (message: LinkResponse__Output) => this.#hear(message));
    link.on('error', () => {});
    link.on('status', () => {
      if (!this.#ended) this.#connect();
    });
    link.write({
      hello: {
        host: `hosts/${this.id}`,
        machineId: machineIdOf(this.id),
        bootId: `boot-of-${this.id}`,
        instance: 'storm',
        protocolVersion: 1,
        inventory: {
          ...inventory(),
          total: { ...this.size, vms: 500 },
          migrationUri: `qemu+tls://${this.id}.test/system`,
        },
        report,
        // What the journal was seen to have it must have after a crash, or its sites go into recovery.
        checkpoint: this.#checkpoint,
      },
    });
    link.write({ leaseRequest: { id: 1 } });
  }

  #hear({ welcome, leaseGrant, rejected, desired, desiredSet, desiredSynced }: LinkResponse__Output): void {
    this.#checkpoint = leaseGrant?.checkpoint ?? welcome?.checkpoint ?? this.#checkpoint;
    if (desiredSynced) this.#welcome();
    if (rejected && !rejected.retryable) {
      this.#ended = true;
      this.rejected(new Error(`host ${this.id} was rejected: ${rejected.reason}, ${rejected.message}`));
    }
    const words = [...this.#waiting.splice(0), ...(desiredSet?.desired ?? []), ...(desired ? [desired] : [])];
    for (const word of words) {
      if (this.#calm || this.random.next() < 0.9) this.#answer(word);
      else this.#waiting.push(word);
    }
    // A lease carries a checkpoint.
    if (this.random.next() < 0.05) this.#link?.write({ leaseRequest: { id: 2 } });
  }

  #answer(desired: Desired__Output): void {
    const seen = this.#bringAbout(desired);
    if (this.random.next() < 0.05 && seen.state === 'DOMAIN_STATE_RUNNING')
      this.#observe(desired, { ...seen, state: 'DOMAIN_STATE_STARTING' });
    this.#observe(desired, seen);
  }

  /** Does what is desired, or not, and gives what is to be said of it. */
  #bringAbout(desired: Desired__Output): Partial<Observation> {
    const { uid, term, role, generation, spec } = desired;
    const known = this.#here.get(uid);
    const here = known !== undefined && known.term >= term ? known : null;
    if (role === 'VM_ROLE_RECEIVE') {
      if (here !== null) return { state: 'DOMAIN_STATE_RUNNING', size: here.size };
      this.#awaited.set(uid, desired);
      return { state: 'DOMAIN_STATE_AWAITED' };
    }
    this.#awaited.delete(uid);
    if (role === 'VM_ROLE_SEND') return this.#handOver(desired, here);
    const state = states[role] ?? 'DOMAIN_STATE_RUNNING';
    if (state === 'DOMAIN_STATE_ABSENT') {
      this.#here.delete(uid);
      return { state };
    }
    if (here === null && !this.#calm && this.random.next() < 0.08)
      return { state: 'DOMAIN_STATE_REFUSED', error: noSpace };
    const { vcpus = 0, memoryMib = 0, diskMib = 0 } = spec ?? {};
    const runs = state === 'DOMAIN_STATE_RUNNING';
    const size = { vcpus, memoryMib, diskMib };
    if (here?.runs && runs && !isDeepStrictEqual(here.size, size)) {
      const dice = this.random.next();
      // It cannot: it stays as it is, at the generation that it has reached.
      if (dice < 0.2 && generation > here.generation)
        return { state, size: here.size, generation: here.generation, error: noSpace };
      // Or only the disk grows while it runs.
      if (dice < 0.6) Object.assign(size, { vcpus: here.size.vcpus, memoryMib: here.size.memoryMib });
    }
    this.#here.set(uid, { term, generation, runs, size });
    return { state, size };
  }

  /** Gives a guest to the host that awaits it, or runs it on and says why. */
  #handOver({ uid, generation, peer }: Desired__Output, here: Here | null): Partial<Observation> {
    if (here === null) return { state: 'DOMAIN_STATE_ABSENT' };
    const other = this.others.get(peer.slice('hosts/'.length));
    const isHanded = here.runs && (this.#calm || this.random.next() < 0.8);
    if (isHanded && other?.takes(uid, here)) {
      this.#here.delete(uid);
      return { state: 'DOMAIN_STATE_ABSENT' };
    }
    const state = here.runs ? 'DOMAIN_STATE_RUNNING' : 'DOMAIN_STATE_STOPPED';
    return { state, size: here.size, generation: Math.min(here.generation, generation - 1), error: noAnswer };
  }

  /** Takes a guest over that it awaits, and says so; false when it awaits none. */
  takes(uid: string, { runs, size }: Here): boolean {
    const awaited = this.#awaited.get(uid);
    if (awaited === undefined) return false;
    this.#awaited.delete(uid);
    const { term, generation } = awaited;
    this.#here.set(uid, { term, generation, runs, size });
    this.#observe(awaited, { state: 'DOMAIN_STATE_RUNNING', size });
    return true;
  }

  #observe({ uid, term, generation, rebootCount }: Desired__Output, seen: Partial<Observation>): void {
    const observation = { uid, term, generation, toldGeneration: generation, rebootCount, ...seen };
    this.#link?.write({ observation });
  }
}
