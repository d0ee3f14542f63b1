/** AgentService: how a host joins, and the stream between its agent and the scheduler. */
import type {
  handleBidiStreamingCall,
  MethodDefinition,
  ServerDuplexStream,
  StatusObject,
} from '@grpc/grpc-js';
import type { Logger } from 'pino';
import type { FenceResult__Output } from '../../proto/gen/secovia/v1/FenceResult.js';
import type { LinkRequest__Output } from '../../proto/gen/secovia/v1/LinkRequest.js';
import type { LinkResponse } from '../../proto/gen/secovia/v1/LinkResponse.js';
import type { Hello__Output } from '../../proto/gen/secovia/v1/Hello.js';
import type { Observation__Output } from '../../proto/gen/secovia/v1/Observation.js';
import type { Report__Output } from '../../proto/gen/secovia/v1/Report.js';
import { type Caller, shownBy } from '../core/access/caller.js';
import type { Shown } from '../core/access/certificates.js';
import { type Refusal, refuse } from '../core/refusal.js';
import type { Engine } from '../engine.js';
import type { LeaseReader } from '../render/host.js';
import type { Timers } from '../timers.js';
import { idIn } from '../render/names.js';
import { identify } from './admission.js';
import { enrolmentMethods, hostCertificateMs } from './enrolment-methods.js';
import { type Arrived, type CallContext, malformed } from './methods.js';
import { refusing } from './refusing.js';
import { internalStatus, statusOf } from './status.js';

/** How long a new stream may stay silent. */
const helloDeadlineMs = 10_000;

type Stream = ServerDuplexStream<Arrived<LinkRequest__Output>, LinkResponse>;

/** An agent that was taken in. */
export interface Session {
  readonly host: string;
  readonly ended: boolean;
}

/** Who leads the agents; `fleet/` implements it. */
export interface Agents<S extends Session> {
  leaseEndMs: LeaseReader;
  /** `shown` proves which host it is; null where the scheduler runs without TLS. */
  hello(stream: Stream, host: string, hello: Hello__Output, shown: Shown | null): S | Refusal;
  observe(session: S, message: Observation__Output): void;
  lease(session: S, id: number, heldMs: number | null): void;
  fenced(session: S, result: FenceResult__Output): void;
  report(session: S, message: Report__Output): void;
  gone(session: S, reason: string): void;
}

/** `checkpointKey` is the public key that checkpoints are signed with; hosts' certificates are good for `certificateMs`. */
export function agentService<S extends Session>(
  fleet: Agents<S>,
  checkpointKey: Buffer,
  certificateMs = hostCertificateMs,
) {
  return {
    ...enrolmentMethods({ checkpointKey, leaseEndMs: fleet.leaseEndMs, certificateMs }),

    Link:
      (
        method: MethodDefinition<unknown, unknown>,
        context: CallContext,
      ): handleBidiStreamingCall<Arrived<LinkRequest__Output>, LinkResponse> =>
      (stream) => {
        const refused = (refusal: Refusal, caller: Caller | null = null) => {
          context.attempts.note(caller, method.path, refusal);
          const end = (status: StatusObject) => stream.emit('error', status);
          if (caller === null) end(statusOf(refusal));
          else refusing(context.engine, end)(refusal);
        };
        identify(context, stream, refused, (caller) => {
          if (stream.cancelled) return;
          const link = new Link(fleet, stream, context.engine, context.log, caller);
          const forbidden = context.authorize(method.path, {}, caller);
          if (forbidden === null) listen(link, stream, context.engine.timers);
          else if (caller.subject.kind === 'host') {
            context.attempts.note(caller, method.path, forbidden);
            link.turnAway(forbidden);
          } else refused(forbidden, caller);
        });
      },
  };
}

function listen<S extends Session>(link: Link<S>, stream: Stream, timers: Timers): void {
  const heard = timers.after(helloDeadlineMs, () => link.reject('SILENT', 'no Hello came in time', true));
  stream.on('data', ({ message }: Arrived<LinkRequest__Output>) => {
    heard();
    link.hear(message);
  });
  const gone = (reason: string) => {
    heard();
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
    private readonly engine: Engine,
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

  /** Ends the stream, with a reason for the agent, when what was read for it is on disk (PROTOCOL S1). */
  reject(reason: string, message: string, retryable: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.engine.whenReadable(() => {
      this.stream.write({ rejected: { reason, message, retryable } });
      this.stream.end();
    });
  }

  /** A host that is not let in: its agent knows what the reason means, and whether it may come back. */
  turnAway({ reason, message }: Refusal): void {
    this.reject(reason, message, reason === 'CERTIFICATE_REFUSED');
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
    if (subject.kind === 'host' && subject.id !== host) {
      this.reject(
        'OTHER_HOST',
        `this certificate is of host "${subject.id}", and Hello names "${host}"`,
        false,
      );
      return;
    }
    const result = this.fleet.hello(this.stream, host, hello, shownBy(this.caller));
    if ('kind' in result) this.reject(result.reason, result.message, result.kind === 'unavailable');
    else this.#session = result;
  }

  #listen(session: S, message: LinkRequest__Output): void {
    if (session.ended) return;
    if (message.observation) this.fleet.observe(session, message.observation);
    else if (message.leaseRequest)
      this.fleet.lease(session, message.leaseRequest.id, message.leaseRequest.heldMs ?? null);
    else if (message.report) this.fleet.report(session, message.report);
    else if (message.fenceResult) this.fleet.fenced(session, message.fenceResult);
    else if (message.goodbye) this.fleet.gone(session, 'its agent was stopped on purpose; the guests run on');
  }

  #fail(status: StatusObject): void {
    this.#over = true;
    // Before the session ends, which would end the stream as if all were well.
    this.stream.emit('error', status);
    this.gone(status.details);
  }
}
