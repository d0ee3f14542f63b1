/**
 * UsageService: what was used, and who owes whom. Both are worked out from the journal by somebody else, on another thread;
 * here a request is checked, and the pieces of the answer are written to the caller as fast as it reads.
 */
import type { Timestamp__Output } from '../../proto/gen/google/protobuf/Timestamp.js';
import type { ReportUsageRequest__Output } from '../../proto/gen/secovia/v1/ReportUsageRequest.js';
import type { ReportUsageResponse } from '../../proto/gen/secovia/v1/ReportUsageResponse.js';
import type { SettleMonthRequest__Output } from '../../proto/gen/secovia/v1/SettleMonthRequest.js';
import type { SettleMonthResponse } from '../../proto/gen/secovia/v1/SettleMonthResponse.js';
import type { Sight } from '../core/access/sight.js';
import type { Asked, Question, Told } from '../core/accounting/questions.js';
import { isRefusal, type Refusal } from '../core/refusal.js';
import type { Engine } from '../engine.js';
import { segmentMessage, settlementMessage } from '../render/usage.js';
import { sightOf } from './authorization.js';
import { Fields, quoted } from './fields.js';
import { type Asking, type Reader, streamedAnswers } from './streamed-answers.js';

/** Who reads the journal. */
export type UsageReader = Reader<Question, Told>;

/** For the log. */
const trouble = 'the journal could not be accounted for';

export function usageService(reader: UsageReader) {
  return {
    ReportUsage: streamedAnswers(
      reader,
      trouble,
      (request: ReportUsageRequest__Output, { engine }, caller) => {
        const sight = sightOf(engine, caller);
        return asking(usageQuestion(request, engine, sight), (piece) => usageMessage(sight, piece));
      },
    ),
    SettleMonth: streamedAnswers(
      reader,
      trouble,
      (request: SettleMonthRequest__Output, { engine }, caller) => {
        const sight = sightOf(engine, caller);
        return asking(settlementQuestion(request, engine), (piece) =>
          settledMessage(sight, request.month, piece),
        );
      },
    ),
  };
}

function asking(
  question: Question | Refusal,
  render: (piece: Told) => object,
): Asking<Question, Told> | Refusal {
  return isRefusal(question) ? question : { question, render };
}

/** To a partner's operator, what was used of its sites. */
function usageMessage({ partner }: Sight, piece: Told): ReportUsageResponse {
  if ('segments' in piece) {
    const told = piece.segments.filter(({ place }) => partner === null || place.partner === partner);
    return { segments: { segments: told.map(segmentMessage) } };
  }
  return 'progress' in piece ? { progress: piece.progress } : {};
}

function settledMessage(sight: Sight, month: string, piece: Told): SettleMonthResponse {
  if ('progress' in piece) return { progress: piece.progress };
  const [settled] = 'settled' in piece ? piece.settled : [];
  return settled === undefined ? {} : { settlement: settlementMessage(sight, month, settled) };
}

/** The journal as far as it is on disk, and the present. */
function asked(engine: Engine): Asked {
  return { upTo: engine.head.sequence, nowMs: engine.now() };
}

function usageQuestion(
  request: ReportUsageRequest__Output,
  engine: Engine,
  { top }: Sight,
): Question | Refusal {
  const fields = new Fields();
  const { administration } = request;
  const id = administration === '' ? top : fields.name('administration', 'administration', administration);
  const now = asked(engine);
  const fromMs = fields.present('start_time', request.startTime)
    ? moment(fields, 'start_time', request.startTime)
    : 0;
  const toMs = request.endTime === null ? now.nowMs : moment(fields, 'end_time', request.endTime);
  if (fields.refusal) return fields.refusal;
  if (fromMs >= now.nowMs) {
    fields.fault('start_time', `is not before now, ${text(now.nowMs)}; ask for a time that has begun`);
  } else if (toMs <= fromMs) fields.fault('end_time', `must be after start_time, ${text(fromMs)}`);
  if (fields.refusal) return fields.refusal;
  return { kind: 'usage', ...now, administration: id, span: { fromMs, toMs } };
}

function settlementQuestion({ month }: SettleMonthRequest__Output, engine: Engine): Question | Refusal {
  const fields = new Fields();
  const now = asked(engine);
  const match = /^([0-9]{4})-(0[1-9]|1[0-2])$/.exec(month);
  if (match === null)
    fields.fault('month', `${quoted(month)} must be a year and a month, for example ${monthOf(now.nowMs)}`);
  const year = Number(match?.[1]);
  const index = Number(match?.[2]) - 1;
  const span = { fromMs: utcMonth(year, index), toMs: utcMonth(year, index + 1) };
  if (match !== null && span.fromMs > now.nowMs) {
    fields.fault(
      'month',
      `${month} has not begun; the newest month that can be settled is ${monthOf(now.nowMs)}`,
    );
  }
  if (fields.refusal) return fields.refusal;
  return { kind: 'settlement', ...now, spans: [span] };
}

/** Years before 100 too, which `Date.UTC` takes for those of the last century. */
function utcMonth(year: number, index: number): number {
  const date = new Date(0);
  return date.setUTCFullYear(year, index, 1);
}

function monthOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 7);
}

function text(ms: number): string {
  return new Date(ms).toISOString();
}

/** Milliseconds; what is finer is cut off, as no decision is finer. */
function moment(fields: Fields, field: string, { seconds, nanos }: Timestamp__Output): number {
  const ms = seconds * 1000 + Math.floor(nanos / 1e6);
  if (nanos < 0 || nanos > 999_999_999 || !(Math.abs(ms) <= latestMs)) {
    fields.fault(field, 'is no moment of the years 0001 to 9999');
  }
  return ms;
}

/** The end of the year 9999, beyond which the contract has no timestamps. */
const latestMs = 253_402_300_799_999;
