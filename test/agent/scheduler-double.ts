/**
 * A scheduler that a test plays by hand, over a real socket: it answers Join and Link, says what it is told to say,
 * and keeps what agents told it.
 */
import { generateKeyPairSync, type KeyObject, randomUUID, sign } from 'node:crypto';
import type { SecureContextOptions } from 'node:tls';
import * as grpc from '@grpc/grpc-js';
import type { AgentServiceHandlers } from '../../proto/gen/secovia/v1/AgentService.js';
import type { Desired } from '../../proto/gen/secovia/v1/Desired.js';
import type { FenceResult__Output } from '../../proto/gen/secovia/v1/FenceResult.js';
import type { Hello__Output } from '../../proto/gen/secovia/v1/Hello.js';
import type { JoinRequest__Output } from '../../proto/gen/secovia/v1/JoinRequest.js';
import type { LinkRequest__Output } from '../../proto/gen/secovia/v1/LinkRequest.js';
import type { LinkResponse } from '../../proto/gen/secovia/v1/LinkResponse.js';
import type { Observation__Output } from '../../proto/gen/secovia/v1/Observation.js';
import type { Report__Output } from '../../proto/gen/secovia/v1/Report.js';
import { v1 } from '../../proto/index.js';

type Stream = grpc.ServerDuplexStream<LinkRequest__Output, LinkResponse>;

export class SchedulerDouble {
  readonly #server = new grpc.Server();
  readonly #key: KeyObject;
  readonly checkpointKey: Buffer;
  readonly instance = randomUUID();
  epoch = { incarnation: 1, counter: 1, instance: this.instance };
  sequence = 0;
  leaseMs = 15_000;
  leaseIntervalMs = 300;
  /** What joins are answered with: an error's code, or null. */
  joinError: { code: grpc.status; message: string } | null = null;
  /** Answers Hello with this instead of Welcome. */
  rejection: { reason: string; message: string; retryable: boolean } | null = null;
  joins: JoinRequest__Output[] = [];
  hellos: Hello__Output[] = [];
  reports: Report__Output[] = [];
  goodbyes: string[] = [];
  fenceResults: FenceResult__Output[] = [];
  /** Every observation, in order, with those of Hello. */
  observed: Observation__Output[] = [];
  leaseRequests = 0;
  /** Serial numbers, one a stream. */
  certificates: string[] = [];
  /** Sent after every Welcome, and when it changes. */
  readonly desired = new Map<string, Desired>();
  #stream: Stream | null = null;
  port = 0;

  constructor() {
    const pair = generateKeyPairSync('ed25519');
    this.#key = pair.privateKey;
    this.checkpointKey = pair.publicKey.export({ format: 'der', type: 'spki' });
  }

  /** With a server's key and certificates it speaks TLS, and notes those of agents. */
  async listen(port = 0, secure: SecureContextOptions | null = null): Promise<void> {
    const handlers: AgentServiceHandlers = {
      Join: (call, callback) => {
        this.joins.push(call.request);
        if (this.joinError !== null) {
          callback({ code: this.joinError.code, details: this.joinError.message });
          return;
        }
        callback(null, { host: null, federation: 'test', checkpointKey: this.checkpointKey });
      },
      RenewCertificate: (_call, callback) => callback({ code: grpc.status.UNIMPLEMENTED }),
      Link: (stream) => this.#link(stream),
    };
    this.#server.addService(v1.AgentService.service, handlers);
    this.port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync(`127.0.0.1:${port}`, serverCredentials(secure), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  close(): void {
    this.#server.forceShutdown();
  }

  /** Ends the present stream, as a scheduler that is restarted does. */
  hangUp(): void {
    this.#stream?.emit('error', { code: grpc.status.UNAVAILABLE, details: 'gone' });
    this.#stream = null;
  }

  get linked(): boolean {
    return this.#stream !== null;
  }

  say(response: LinkResponse): void {
    this.#stream?.write(response);
  }

  /** From now on this is what the host should have of the VM. */
  want(desired: Desired): void {
    const word = { ...desired, epoch: this.epoch };
    this.desired.set(desired.uid ?? '', word);
    this.say({ desired: word });
  }

  /** The newest word of the agent about a VM. */
  newest(uid: string): Observation__Output | undefined {
    return this.observed.findLast((observation) => observation.uid === uid);
  }

  checkpoint(sequence = ++this.sequence) {
    const hash = Buffer.alloc(32, sequence % 251);
    const { incarnation } = this.epoch;
    const text = `secovia-checkpoint-v1\n${incarnation}\n${sequence}\n${hash.toString('hex')}\n`;
    return { incarnation, sequence, hash, signature: sign(null, Buffer.from(text), this.#key) };
  }

  #link(stream: Stream): void {
    const serial = stream.getAuthContext().sslPeerCertificate?.serialNumber;
    if (serial !== undefined) this.certificates.push(serial);
    stream.on('error', () => undefined);
    stream.on('end', () => stream.end());
    stream.on('close', () => {
      if (this.#stream === stream) this.#stream = null;
    });
    stream.on('data', (request: LinkRequest__Output) => this.#receive(stream, request));
  }

  #receive(stream: Stream, request: LinkRequest__Output): void {
    if (request.hello) {
      this.hellos.push(request.hello);
      this.observed.push(...request.hello.observations);
      if (request.hello.report) this.reports.push(request.hello.report);
      if (this.rejection !== null) {
        stream.write({ rejected: this.rejection });
        stream.end();
        return;
      }
      this.#stream = stream;
      const { epoch, leaseMs, leaseIntervalMs } = this;
      const checkpoint = this.checkpoint();
      stream.write({
        welcome: { epoch, leaseMs, leaseIntervalMs, reportIntervalMs: 1_000, protocolVersion: 1, checkpoint },
      });
      for (const desired of this.desired.values()) stream.write({ desired });
      stream.write({ desiredSynced: { epoch } });
    }
    if (request.observation) this.observed.push(request.observation);
    if (request.report) this.reports.push(request.report);
    if (request.fenceResult) this.fenceResults.push(request.fenceResult);
    if (request.goodbye) this.goodbyes.push(request.goodbye.reason);
    if (request.leaseRequest) {
      this.leaseRequests++;
      const { id } = request.leaseRequest;
      const checkpoint = this.checkpoint();
      stream.write({ leaseGrant: { id, leaseMs: this.leaseMs, epoch: this.epoch, checkpoint } });
    }
  }
}

function serverCredentials(secure: SecureContextOptions | null): grpc.ServerCredentials {
  if (secure === null) return grpc.ServerCredentials.createInsecure();
  const [root] = secure.ca as string[];
  const pair = { private_key: Buffer.from(String(secure.key)), cert_chain: Buffer.from(String(secure.cert)) };
  return grpc.ServerCredentials.createSsl(Buffer.from(root ?? ''), [pair], true);
}

/** A word about a VM as it stands on the wire. */
export function word(uid: string, change: Partial<Desired> = {}): Desired {
  return {
    uid,
    role: 'VM_ROLE_RUN',
    generation: 1,
    term: 1,
    spec: { vcpus: 1, memoryMib: 128, diskMib: 64, image: 'images/tiny', storagePool: '' },
    policy: null,
    image: {
      name: 'images/tiny',
      digest: `sha256:${'a'.repeat(64)}`,
      format: 'IMAGE_FORMAT_RAW',
      sizeBytes: 1024,
      virtualSizeMib: 1,
      source: 'file:///nowhere',
    },
    rebootCount: 0,
    stopGraceSeconds: 10,
    vmName: `administrations/a/vms/vm-${uid.slice(-4)}`,
    ...change,
  };
}
