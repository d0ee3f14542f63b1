/**
 * An agent by hand: a real Link stream whose every message a test writes. With `obeys` it answers each Desired at
 * once with what a host would bring about.
 */
import { protocolVersion } from '../../../scheduler/fleet/fleet.js';
import { once } from 'node:events';
import * as grpc from '@grpc/grpc-js';
import type { Desired__Output } from '../../../proto/gen/secovia/v1/Desired.js';
import type { Hello } from '../../../proto/gen/secovia/v1/Hello.js';
import type { LinkRequest } from '../../../proto/gen/secovia/v1/LinkRequest.js';
import type { LinkResponse__Output } from '../../../proto/gen/secovia/v1/LinkResponse.js';
import type { Observation } from '../../../proto/gen/secovia/v1/Observation.js';
import type { Report } from '../../../proto/gen/secovia/v1/Report.js';
import { type Api, definitionOf } from './client.js';
import { Heard } from './heard.js';

export const report: Report = { libvirtAvailable: true };

export const inventory = (size = 1) => ({
  architecture: 'x86_64',
  total: { vcpus: 64 * size, memoryMib: 65_536 * size, diskMib: 1_000_000 * size, vms: 1000 * size },
  reserved: { vcpus: 0, memoryMib: 0, diskMib: 0, vms: 0 },
});

export const machineIdOf = (host: string) => Buffer.from(host.padEnd(16, '_').slice(0, 16)).toString('hex');

/** A set of words about VMs, as if each had come alone. */
function apart(message: LinkResponse__Output): LinkResponse__Output[] {
  const words = message.desiredSet?.desired;
  return words ? words.map((desired) => ({ message: 'desired', desired })) : [message];
}

export interface AgentOptions extends Partial<Hello> {
  /** Answers every Desired by itself. */
  obeys?: boolean;
}

export class ScriptedAgent {
  readonly heard = new Heard<LinkResponse__Output>();
  readonly stream: grpc.ClientDuplexStream<LinkRequest, LinkResponse__Output>;

  constructor(
    api: Api,
    readonly host: string,
  ) {
    const { path, requestSerialize, responseDeserialize } = definitionOf('Link');
    this.stream = api.channel.makeBidiStreamRequest<LinkRequest, LinkResponse__Output>(
      path,
      requestSerialize as (value: LinkRequest) => Buffer,
      responseDeserialize as (bytes: Buffer) => LinkResponse__Output,
      new grpc.Metadata({ waitForReady: true }),
    );
    this.stream.on('data', (message: LinkResponse__Output) => {
      for (const one of apart(message)) this.heard.add(one);
    });
    this.stream.on('error', () => {});
    this.stream.on('status', ({ code, details }: grpc.StatusObject) => this.heard.end(code, details));
  }

  /** A stream that has said Hello and was welcomed, and that asked for its first lease. */
  static async connect(
    api: Api,
    host: string,
    { obeys, ...hello }: AgentOptions = {},
  ): Promise<ScriptedAgent> {
    const agent = new ScriptedAgent(api, host);
    if (obeys) agent.obey();
    agent.hello(hello);
    await agent.heard.next('Welcome', ({ message }) => message === 'welcome');
    agent.askLease(1);
    return agent;
  }

  send(message: LinkRequest): void {
    this.stream.write(message);
  }

  /** Sends, and waits while the wire has no room. */
  async press(message: LinkRequest): Promise<void> {
    if (!this.stream.write(message)) await once(this.stream, 'drain');
  }

  hello(change: Partial<Hello> = {}): void {
    const { host } = this;
    this.send({
      hello: {
        host: `hosts/${host}`,
        machineId: machineIdOf(host),
        bootId: `boot-1-of-${host}`,
        instance: 'agent-1',
        protocolVersion,
        inventory: inventory(),
        report,
        ...change,
      },
    });
  }

  askLease(id: number, heldMs?: number): void {
    this.send({ leaseRequest: { id, heldMs } });
  }

  observe(observation: Observation): void {
    this.send({ observation });
  }

  /** Says of a VM what was desired of it, or something else. */
  answer(desired: Desired__Output, change: Partial<Observation> = {}): void {
    const states = {
      VM_ROLE_STOPPED: 'DOMAIN_STATE_STOPPED',
      VM_ROLE_DELETED: 'DOMAIN_STATE_ABSENT',
      VM_ROLE_RELEASED: 'DOMAIN_STATE_ABSENT',
    } as const;
    const state =
      desired.role === 'VM_ROLE_STOPPED' ||
      desired.role === 'VM_ROLE_DELETED' ||
      desired.role === 'VM_ROLE_RELEASED'
        ? states[desired.role]
        : 'DOMAIN_STATE_RUNNING';
    const { uid, term, generation, rebootCount } = desired;
    this.observe({ uid, term, generation, rebootCount, state, ...change });
  }

  /** The next word about a VM. */
  async desired(
    what: string,
    satisfies: (desired: Desired__Output) => boolean = () => true,
  ): Promise<Desired__Output> {
    const { desired } = await this.heard.next(
      what,
      (message) => message.desired != null && satisfies(message.desired),
    );
    return desired as Desired__Output;
  }

  async synced(): Promise<void> {
    await this.heard.next('DesiredSynced', ({ message }) => message === 'desiredSynced');
  }

  /** Ends the stream, politely or not. */
  close(): void {
    this.stream.end();
  }

  cut(): void {
    this.stream.cancel();
  }

  /** Asks for leases until it is released, or its stream has ended. */
  keepLease(): () => void {
    let id = 1;
    const timer = setInterval(() => {
      id += 1;
      this.askLease(id);
    }, 250);
    const end = () => clearInterval(timer);
    this.stream.on('status', end);
    this.stream.on('error', end);
    return end;
  }

  /** Does from now on whatever it is told, and tells nothing else. */
  obey(): void {
    this.stream.on('data', (message: LinkResponse__Output) => {
      for (const { desired } of apart(message)) if (desired) this.answer(desired);
    });
  }
}
