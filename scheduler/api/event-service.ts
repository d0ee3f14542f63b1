/** EventService: what happened to hosts and VMs, in words, from the journal as the record's readers have it. */
import { askerOf } from './streamed-answers.js';
import type { ListEventsRequest__Output } from '../../proto/gen/secovia/v1/ListEventsRequest.js';
import type { Caller } from '../core/access/caller.js';
import type { AuditTold, EventsQuestion } from '../core/audit/questions.js';
import { isRefusal, type Refusal } from '../core/refusal.js';
import type { Engine } from '../engine.js';
import { eventMessage } from '../render/event.js';
import type { AuditReader } from './audit-service.js';
import {
  checkEventFilter,
  eventsOf,
  notForYou,
  placeIn,
  placeText,
  visibleEvents,
} from './event-questions.js';
import { type EventFollower, watchEvents } from './event-watch.js';
import { Fields } from './fields.js';
import { answeredLater } from './later-answers.js';
import type { UnaryHandler } from './methods.js';
import { pageOf } from './pages.js';

export interface EventOptions {
  reader: AuditReader;
  follower: EventFollower;
}

export function eventService(options: EventOptions) {
  return { ListEvents: listEvents(options.reader), WatchEvents: watchEvents(options.follower) };
}

function listEvents(reader: AuditReader): UnaryHandler {
  const trouble = 'events could not be read';
  return answeredLater(trouble, (request: ListEventsRequest__Output, { engine }, caller, unwanted) => {
    const prepared = questionOf(request, engine, caller);
    if (isRefusal(prepared)) return prepared;
    const { question, token } = prepared;
    let response = {};
    const take = async (piece: AuditTold): Promise<void> => {
      if (!('events' in piece)) return;
      const events = piece.events.map((each) => eventMessage(engine.state, each, question.visibility));
      response = { events, nextPageToken: piece.next === null ? '' : token(placeText(piece.next)) };
    };
    return reader.ask(question, take, unwanted, askerOf(caller)).then((refusal) => refusal ?? response);
  });
}

function questionOf(
  request: ListEventsRequest__Output,
  engine: Engine,
  caller: Caller,
): { question: EventsQuestion; token: (last: string) => string } | Refusal {
  const fields = new Fields();
  const { about, filter } = request;
  const order = request.order === 'EVENT_ORDER_OLDEST_FIRST' ? 'oldest' : 'newest';
  checkEventFilter(fields, filter);
  const page = pageOf(fields, request, `events ${order} ${about} ${filter}`);
  const visibility = visibleEvents(engine, caller);
  const of = eventsOf(fields, engine.state, about);
  const from = page.after === null ? null : placeIn(page.after);
  if (page.after !== null && from === null) fields.fault('page_token', 'is not a token of this listing');
  if (fields.refusal) return fields.refusal;
  if (isRefusal(of)) return of;
  if (visibility.kind === 'nothing') return notForYou;
  const newest = engine.head.sequence;
  const first =
    order === 'newest'
      ? { sequence: newest, position: Number.MAX_SAFE_INTEGER }
      : { sequence: 1, position: 0 };
  const question: EventsQuestion = {
    kind: 'events',
    visibility,
    of,
    order,
    from: from ?? first,
    to: order === 'newest' ? 1 : newest,
    size: page.size,
    filter,
  };
  return { question, token: page.token };
}
