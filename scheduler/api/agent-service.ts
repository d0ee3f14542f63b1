/** AgentService: how a host joins, and the stream between its agent and the scheduler. */
import type {
  handleBidiStreamingCall,
  MethodDefinition,
  ServerDuplexStream,
  StatusObject,
} from '@grpc/grpc-js';
import type { Logger } from 'pino';
import type { JoinRequest__Output } from '../../proto/gen/secovia/v1/JoinRequest.js';
import type { LinkRequest__Output } from '../../proto/gen/secovia/v1/LinkRequest.js';
import type { LinkResponse } from '../../proto/gen/secovia/v1/LinkResponse.js';
import type { Hello__Output } from '../../proto/gen/secovia/v1/Hello.js';
import type { Observation__Output } from '../../proto/gen/secovia/v1/Observation.js';
import type { RenewCertificateRequest__Output } from '../../proto/gen/secovia/v1/RenewCertificateRequest.js';
import type { Report__Output } from '../../proto/gen/secovia/v1/Report.js';
import type { Caller } from '../core/access/caller.js';
import { hostUri } from '../core/access/uris.js';
import { type Refusal, refuse } from '../core/refusal.js';
import { hostMessage, type LeaseReader } from '../render/host.js';
import { idIn } from '../render/names.js';
import { admit } from './admission.js';
import type { Signed } from './authority.js';
import { Fields } from './fields.js';
import { type Arrived, type CallContext, malformed, mutation } from './methods.js';
import { internalStatus, statusOf } from './status.js';

/** How long a new stream may stay silent. */
const helloDeadlineMs = 10_000;
const machineIdForm = /^[0-9a-f]{32}$/;
const rackLimit = 63;
/** A host renews its certificate long before, at two thirds of this. */
const hostCertificateMs = 7 * 24 * 3600 * 1000;

type Stream = ServerDuplexStream<Arrived<LinkRequest__Output>, LinkResponse>;

/** An agent that was taken in. */
export interface Session {
  readonly host: string;
  readonly ended: boolean;
}

/** Who leads the agents; `fleet/` implements it. */
export interface Agents<S extends Session> {
  leaseEndMs: LeaseReader;
  hello(stream: Stream, host: string, hello: Hello__Output): S | Refusal;
  observe(session: S, message: Observation__Output): void;
  lease(session: S, id: number): void;
  report(session: S, message: Report__Output): void;
  gone(session: S, reason: string): void;
}

/** `checkpointKey` is the public key that checkpoints are signed with. */
export function agentService<S extends Session>(fleet: Agents<S>, checkpointKey: Buffer) {
  return {
    Join: mutation((request: JoinRequest__Output, { engine }) => {
      const fields = new Fields();
      const id = fields.hostId('host_id', request.hostId);
      const site = fields.name('site', 'site', request.site);
      const rack = fields.text('rack', request.rack, rackLimit);
      if (!machineIdForm.test(request.machineId)) {
        fields.fault('machine_id', 'must be 32 lower-case hexadecimal digits, as in /etc/machine-id');
      }
      if (fields.refusal) return { refusal: fields.refusal };
      const outcome = engine.run({ type: 'host.join', id, site, rack, machineId: request.machineId });
      if (outcome.refusal) return outcome;
      return {
        response: {
          host: hostMessage(engine.state, outcome.reply, fleet.leaseEndMs),
          federation: engine.state.federation.name,
          checkpointKey,
        },
      };
    }),

    RenewCertificate: mutation(
      (_request: RenewCertificateRequest__Output, { engine, authority }, { subject }, signed: Signed) => {
        const id = subject.kind === 'host' ? subject.id : '';
        const { certificate, keyHash, chainPem } = signed;
        const outcome = engine.run({ type: 'host.renew', id, certificate, keyHash });
        if (outcome.refusal) return outcome;
        return { response: { certificateChain: chainPem, authority: authority?.rootPem ?? '' } };
      },
      (request, { engine, authority }, { subject }) => {
        if (authority === null || subject.kind !== 'host') {
          return refuse('precondition', 'NO_CERTIFICATE', 'this connection shows no certificate of a host');
        }
        const uri = hostUri(engine.state.federation.name, subject.id);
        return authority.sign(request.signingRequest, uri, engine.now(), hostCertificateMs);
      },
    ),

    Link:
      (
        method: MethodDefinition<unknown, unknown>,
        context: CallContext,
      ): handleBidiStreamingCall<Arrived<LinkRequest__Output>, LinkResponse> =>
      (stream) => {
        const refused = (refusal: Refusal) => stream.emit('error', statusOf(refusal));
        admit(context, method.path, stream, {}, refused, (caller) => {
          if (!stream.cancelled) listen(new Link(fleet, stream, context.log, caller), stream);
        });
      },
  };
}

function listen<S extends Session>(link: Link<S>, stream: Stream): void {
  const silent = setTimeout(() => link.reject('SILENT', 'no Hello came in time', true), helloDeadlineMs);
  stream.on('data', ({ message }: Arrived<LinkRequest__Output>) => {
    clearTimeout(silent);
    link.hear(message);
  });
  const gone = (reason: string) => {
    clearTimeout(silent);
    link.gone(reason);
  };
  stream.on('end', () => {
    gone('the agent ended its stream');
    stream.end();
  });
  stream.on('cancelled', () => gone('the connection was lost'));
  stream.on('error', (error) => gone(`the stream failed: ${error.message}`));
}

/** One stream: nothing was said, then a session, then over. What comes after the end is not listened to. */
class Link<S extends Session> {
  #session: S | null = null;
  #over = false;

  constructor(
    private readonly fleet: Agents<S>,
    private readonly stream: Stream,
    private readonly log: Logger,
    private readonly caller: Caller,
  ) {}

  /** Takes in a message; null is one that could not be read. */
  hear(message: LinkRequest__Output | null): void {
    if (this.#over) return;
    try {
      if (message === null) this.#fail(statusOf(malformed));
      else if (this.#session === null) this.#open(message);
      else this.#listen(this.#session, message);
    } catch (error) {
      // A bug must not cost the other agents their scheduler.
      this.log.error({ err: error, host: this.#session?.host }, 'a stream failed on an internal error');
      this.#fail(internalStatus());
    }
  }

  reject(reason: string, message: string, retryable: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.stream.write({ rejected: { reason, message, retryable } });
    this.stream.end();
  }

  gone(reason: string): void {
    this.#over = true;
    const session = this.#session;
    this.#session = null;
    if (session === null) return;
    try {
      this.fleet.gone(session, reason);
    } catch (error) {
      this.log.error({ err: error, host: session.host }, 'the end of a stream failed on an internal error');
    }
  }

  #open({ hello }: LinkRequest__Output): void {
    const host = hello ? idIn('host', hello.host) : null;
    if (!hello || host === null) {
      const message = 'a stream begins with a Hello that names its host';
      this.#fail(statusOf(refuse('invalid', 'NO_HELLO', message)));
      return;
    }
    const { subject } = this.caller;
    if (subject.kind !== 'insecure' && !(subject.kind === 'host' && subject.id === host)) {
      const message = `the certificate of this connection is not that of host ${JSON.stringify(host)}`;
      this.#fail(statusOf(refuse('denied', 'NOT_THIS_HOST', message)));
      return;
    }
    const result = this.fleet.hello(this.stream, host, hello);
    if ('kind' in result) this.reject(result.reason, result.message, result.kind === 'unavailable');
    else this.#session = result;
  }

  #listen(session: S, message: LinkRequest__Output): void {
    if (session.ended) return;
    if (message.observation) this.fleet.observe(session, message.observation);
    else if (message.leaseRequest) this.fleet.lease(session, message.leaseRequest.id);
    else if (message.report) this.fleet.report(session, message.report);
    else if (message.goodbye) this.fleet.gone(session, 'its agent was stopped on purpose; the guests run on');
  }

  #fail(status: StatusObject): void {
    this.#over = true;
    // Before the session ends, which would end the stream as if all were well.
    this.stream.emit('error', status);
    this.gone(status.details);
  }
}
