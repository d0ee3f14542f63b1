/**
 * A host whose agent brings about at once whatever is desired, and comes back after every crash of the scheduler. Now and
 * then it says first that it is at work, leaves a word unanswered until the next one, or refuses a VM that it does not
 * have yet: then nothing of it is there, and the scheduler takes it to another host. That is the only way in which VMs
 * move in this version.
 */
import * as grpc from '@grpc/grpc-js';
import type { Checkpoint__Output } from '../../../../proto/gen/secovia/v1/Checkpoint.js';
import type { Desired__Output } from '../../../../proto/gen/secovia/v1/Desired.js';
import type { LinkRequest } from '../../../../proto/gen/secovia/v1/LinkRequest.js';
import type { LinkResponse__Output } from '../../../../proto/gen/secovia/v1/LinkResponse.js';
import type { Observation } from '../../../../proto/gen/secovia/v1/Observation.js';
import type { Random } from '../../core/placement/random.js';
import { inventory, machineIdOf, report } from '../agent.js';
import { type Api, definitionOf } from '../client.js';

export interface HostSize {
  vcpus: number;
  memoryMib: number;
  diskMib: number;
}

type Link = grpc.ClientDuplexStream<LinkRequest, LinkResponse__Output>;

const states: Partial<Record<Desired__Output['role'], Observation['state']>> = {
  VM_ROLE_STOPPED: 'DOMAIN_STATE_STOPPED',
  VM_ROLE_DELETED: 'DOMAIN_STATE_ABSENT',
  VM_ROLE_RELEASED: 'DOMAIN_STATE_ABSENT',
};

export class StormHost {
  /** By VM: the newest term under which it is here. */
  readonly #terms = new Map<string, number>();
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
        inventory: { ...inventory(), total: { ...this.size, vms: 500 } },
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
    const { uid, term, role } = desired;
    const isNew = (this.#terms.get(uid) ?? 0) < term;
    const state = states[role] ?? 'DOMAIN_STATE_RUNNING';
    if (isNew && state !== 'DOMAIN_STATE_ABSENT' && !this.#calm && this.random.next() < 0.08) {
      this.#observe(desired, 'DOMAIN_STATE_REFUSED');
      return;
    }
    if (state === 'DOMAIN_STATE_ABSENT') this.#terms.delete(uid);
    else this.#terms.set(uid, term);
    if (isNew && this.random.next() < 0.2) this.#observe(desired, 'DOMAIN_STATE_PREPARING');
    this.#observe(desired, state);
  }

  #observe({ uid, term, generation, rebootCount }: Desired__Output, state: Observation['state']): void {
    const error = state === 'DOMAIN_STATE_REFUSED' ? { code: 8, message: 'no space left' } : null;
    this.#link?.write({ observation: { uid, term, generation, rebootCount, state, error } });
  }
}
