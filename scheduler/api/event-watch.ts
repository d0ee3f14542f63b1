/**
 * WatchEvents: each event as it becomes durable. A watch asks for what is new since it last asked, whenever something is,
 * so a slow reader holds nobody up and misses nothing, and a watch can be resumed at any place of the journal.
 */
import { askerOf } from './streamed-answers.js';
import type { handleServerStreamingCall, MethodDefinition, ServerWritableStream } from '@grpc/grpc-js';
import type { WatchEventsRequest__Output } from '../../proto/gen/secovia/v1/WatchEventsRequest.js';
import type { WatchEventsResponse } from '../../proto/gen/secovia/v1/WatchEventsResponse.js';
import type { Caller } from '../core/access/caller.js';
import type { AuditTold, EventsOf, EventsQuestion, Place } from '../core/audit/questions.js';
import { isRefusal, type Refusal } from '../core/refusal.js';
import type { Engine } from '../engine.js';
import { eventMessage } from '../render/event.js';
import { checkEventFilter, eventsOf, notForYou, visibleEvents } from './event-questions.js';
import { Fields } from './fields.js';
import { type Arrived, type CallContext, streaming } from './methods.js';
import { refusing } from './refusing.js';
import { internalStatus } from './status.js';
import { whileRead } from './stream-access.js';
import { write } from './written.js';

/** Answers what is new again and again. */
export interface EventFollower {
  /** `asker` is whose question it is. */
  ask(question: EventsQuestion, asker: string): Promise<Extract<AuditTold, { events: unknown }> | Refusal>;
}

/** Events of one message. */
const pageSize = 200;
/** What happens within this time is asked for together. */
const gatherMs = 100;
const heartbeatMs = 15_000;

type Stream = ServerWritableStream<Arrived<unknown>, WatchEventsResponse>;

export function watchEvents(follower: EventFollower) {
  return (
    method: MethodDefinition<unknown, unknown>,
    context: CallContext,
  ): handleServerStreamingCall<Arrived<unknown>, WatchEventsResponse> =>
    (call) =>
      streaming(method, context, call, (request: WatchEventsRequest__Output, caller) => {
        const { engine } = context;
        const refused = refusing(engine, (status) => call.emit('error', status));
        const begun = beginning(request, engine, caller);
        if (isRefusal(begun)) return refused(begun);
        const gone = whileRead(context, method.path, call, request, caller, refused);
        new EventWatch(follower, engine, call, caller, request, begun.of, gone).run(begun.from).then(
          (refusal) => refusal !== null && refused(refusal),
          (error: Error) => {
            if (gone.aborted) return;
            context.log.error({ err: error, method: method.path }, 'events could not be read');
            call.emit('error', internalStatus());
          },
        );
      });
}

/** What a watch is about and where it begins, if it may at all. */
function beginning(
  request: WatchEventsRequest__Output,
  engine: Engine,
  caller: Caller,
): { of: EventsOf; from: Place } | Refusal {
  const fields = new Fields();
  checkEventFilter(fields, request.filter);
  const of = eventsOf(fields, engine.state, request.about);
  const from = resumeIn(fields, request.resumeToken, engine);
  if (fields.refusal) return fields.refusal;
  if (isRefusal(of)) return of;
  return visibleEvents(engine, caller).kind === 'nothing' ? notForYou : { of, from };
}

/** A token is the incarnation of a journal and a place in it; of another past it means nothing. */
function resumeIn(fields: Fields, token: string, { head, state }: Engine): Place {
  const now = { sequence: head.sequence + 1, position: 0 };
  if (token === '') return now;
  const match = /^(\d{1,9})\.(\d{1,15})\.(\d{1,15})$/.exec(token);
  const [incarnation, sequence, position] = (match ?? []).slice(1).map(Number);
  if (sequence === undefined || position === undefined) {
    fields.fault('resume_token', 'is not a token of a watch; begin again without one');
  } else if (incarnation !== state.federation.epoch.incarnation || sequence > head.sequence + 1) {
    fields.fault('resume_token', 'is of a journal that was restored since; begin again without one');
  } else return { sequence, position };
  return now;
}

class EventWatch {
  #of: EventsOf;
  /** How many hosts there were when it was found out which of them are meant: to go through them takes its time. */
  #hosts: number;

  constructor(
    private readonly follower: EventFollower,
    private readonly engine: Engine,
    private readonly call: Stream,
    private readonly caller: Caller,
    private readonly request: WatchEventsRequest__Output,
    of: EventsOf,
    private readonly gone: AbortSignal,
  ) {
    this.#of = of;
    this.#hosts = engine.state.hosts.size;
  }

  /** Runs until nobody reads any more, or there is a reason not to go on. */
  async run(from: Place): Promise<Refusal | null> {
    let next = from;
    // Says where it begins, so that it can be resumed before anything has happened.
    await this.#send([], next);
    while (!this.gone.aborted) {
      if (next.sequence > this.engine.head.sequence) {
        const woken = await this.#something(next.sequence);
        if (!woken && !this.gone.aborted) await this.#send([], next);
        continue;
      }
      const question = this.#question(next);
      if (isRefusal(question)) return question;
      const told = await this.follower.ask(question, askerOf(this.caller));
      if (isRefusal(told)) return told;
      next = told.next ?? { sequence: question.to + 1, position: 0 };
      if (told.events.length === 0) continue;
      const { state } = this.engine;
      await this.#send(
        told.events.map((each) => eventMessage(state, each, question.visibility)),
        next,
      );
    }
    return null;
  }

  /** Anew each time: it is what the caller may see then, and who is where then. */
  #question(from: Place): EventsQuestion | Refusal {
    const { filter } = this.request;
    const of = this.#meant();
    if (isRefusal(of)) return of;
    const visibility = visibleEvents(this.engine, this.caller);
    const to = this.engine.head.sequence;
    return { kind: 'events', visibility, of, order: 'oldest', from, to, size: pageSize, filter };
  }

  /** Hosts come to a site and stay there; a VM that is gone is the one that was meant. */
  #meant(): EventsOf | Refusal {
    const { state } = this.engine;
    const { kind } = this.#of;
    if (kind === 'vm' || (kind === 'hosts' && this.#hosts === state.hosts.size)) return this.#of;
    const of = eventsOf(new Fields(), state, this.request.about);
    if (isRefusal(of)) return of;
    this.#of = of;
    this.#hosts = state.hosts.size;
    return of;
  }

  async #send(events: WatchEventsResponse['events'], next: Place): Promise<void> {
    const { incarnation } = this.engine.state.federation.epoch;
    const resumeToken = `${incarnation}.${next.sequence}.${next.position}`;
    await write(this.call, { events: events ?? [], resumeToken }, this.gone);
  }

  /** Waits until this decision is durable, and a moment longer; false when nothing came for a while. */
  async #something(sequence: number): Promise<boolean> {
    const { engine, gone } = this;
    return new Promise((resolve) => {
      const done = (woken: boolean) => {
        clearTimeout(timer);
        forget();
        gone.removeEventListener('abort', giveUp);
        resolve(woken);
      };
      const giveUp = () => done(false);
      let timer = setTimeout(giveUp, heartbeatMs);
      const forget = engine.onCommitted(() => {
        if (engine.head.sequence < sequence) return;
        forget();
        clearTimeout(timer);
        timer = setTimeout(() => done(true), gatherMs);
      });
      gone.addEventListener('abort', giveUp);
      if (gone.aborted) giveUp();
    });
  }
}
