/**
 * AuditService: what was decided, by whose word and why. The record is read by somebody else, on another thread; here a
 * request is checked, what its caller may see is found, and the answer is signed and written as fast as it is read.
 */
import type { ExportAuditRequest__Output } from '../../proto/gen/secovia/v1/ExportAuditRequest.js';
import type { ListAuditEntriesRequest__Output } from '../../proto/gen/secovia/v1/ListAuditEntriesRequest.js';
import type { Caller } from '../core/access/caller.js';
import { entryFilter } from '../core/audit/entry-filter.js';
import type {
  AuditQuestion,
  AuditTold,
  ExportQuestion,
  ListQuestion,
  Visibility,
} from '../core/audit/questions.js';
import { isRefusal, notFound, type Refusal, refuse } from '../core/refusal.js';
import { visibilityIn } from '../core/audit/visibility.js';
import type { State } from '../core/state.js';
import type { Engine } from '../engine.js';
import { auditEntryMessage } from '../render/audit.js';
import { vmRefIn } from '../render/names.js';
import { sightOf } from './authorization.js';
import { Fields } from './fields.js';
import { filterOf } from './filters.js';
import { answeredLater } from './later-answers.js';
import { query, type UnaryHandler } from './methods.js';
import { pageOf } from './pages.js';
import { askerOf, type Reader, streamedAnswers } from './streamed-answers.js';

/** Who reads the record. */
export type AuditReader = Reader<AuditQuestion, AuditTold>;

/** What checkpoints and exports are signed with. */
export interface AuditKey {
  /** SPKI. */
  readonly publicKeyPem: string;
  /** SHA-256 of the public key, SPKI in DER, hexadecimal. */
  readonly fingerprint: string;
  sign(head: { sequence: number; hash: Buffer }): { incarnation: number; signature: Buffer };
  signText(text: string): Buffer;
}

export interface AuditOptions {
  reader: AuditReader;
  key: AuditKey;
}

/** For the log. */
const trouble = 'the record of decisions could not be read';

export function auditService(options: AuditOptions) {
  const { key } = options;
  return {
    ListAuditEntries: listEntries(options),
    ExportAudit: exportAudit(options),
    GetAuditKey: query(() => ({ response: { publicKey: key.publicKeyPem } })),
  };
}

const notForYou = refuse(
  'denied',
  'NO_AUDIT',
  'the record of decisions is shown to federation administrators, auditors, and those whom decisions concern',
);

/** What somebody may see; asked when it is known who calls. */
function visible(engine: Engine, caller: Caller): Visibility | Refusal {
  const visibility = visibilityIn(engine.state, sightOf(engine, caller));
  return visibility.kind === 'nothing' ? notForYou : visibility;
}

function listEntries({ reader }: AuditOptions): UnaryHandler {
  return answeredLater(trouble, (request: ListAuditEntriesRequest__Output, { engine }, caller, unwanted) => {
    const visibility = visible(engine, caller);
    if (isRefusal(visibility)) return visibility;
    const prepared = listQuestion(request, engine, visibility);
    if (isRefusal(prepared)) return prepared;
    const { question, token } = prepared;
    let response = {};
    const take = async (piece: AuditTold): Promise<void> => {
      if (!('entries' in piece)) return;
      const entries = piece.entries.map((entry) => auditEntryMessage(engine.state, entry, visibility));
      response = { entries, nextPageToken: piece.next === null ? '' : token(String(piece.next)) };
    };
    return reader.ask(question, take, unwanted, askerOf(caller)).then((refusal) => refusal ?? response);
  });
}

function listQuestion(
  request: ListAuditEntriesRequest__Output,
  engine: Engine,
  visibility: Visibility,
): { question: ListQuestion; token: (last: string) => string } | Refusal {
  const fields = new Fields();
  const { filter } = request;
  filterOf(fields, filter, entryFilter);
  const page = pageOf(fields, request, `audit ${filter}`);
  const from = page.after === null ? engine.head.sequence : Number(page.after);
  if (!Number.isSafeInteger(from)) fields.fault('page_token', 'is not a token of this listing');
  if (fields.refusal) return fields.refusal;
  const question: ListQuestion = {
    kind: 'list',
    visibility,
    ...rangeOf(filter, from),
    size: page.size,
    filter,
    vms: vmsNamedIn(filter, engine.state),
  };
  return { question, token: page.token };
}

/** The journal is not read to its beginning for a single decision. */
function rangeOf(filter: string, from: number): { from: number; to: number } {
  const only = Number(/^\s*sequence\s*=\s*(\d{1,15})\s*$/.exec(filter)?.[1] ?? 0);
  return only === 0 ? { from, to: 1 } : { from: Math.min(from, only), to: only };
}

/** The VMs that a filter names by their names, which the journal mostly calls by their uids. */
function vmsNamedIn(filter: string, state: State): Record<string, string> {
  const vms: Record<string, string> = {};
  for (const [name] of filter.matchAll(/administrations\/[a-z0-9-]+\/vms\/[a-z0-9-]+/g)) {
    const ref = vmRefIn(name);
    const vm = ref !== null && 'id' in ref ? state.vmByName(ref.administration, ref.id) : undefined;
    if (vm !== undefined) vms[name] = vm.uid;
  }
  return vms;
}

function exportAudit({ reader, key }: AuditOptions) {
  return streamedAnswers(reader, trouble, (request: ExportAuditRequest__Output, { engine }, caller) => {
    const visibility = visible(engine, caller);
    if (isRefusal(visibility)) return visibility;
    const question = exportQuestion(request, engine, visibility, key);
    if (isRefusal(question)) return question;
    const render = (piece: AuditTold) => {
      if ('piece' in piece) return { piece: piece.piece };
      return 'end' in piece ? { piece: lastLine(key, piece.end) } : null;
    };
    return { question, render };
  });
}

function exportQuestion(
  request: ExportAuditRequest__Output,
  engine: Engine,
  visibility: Visibility,
  { fingerprint }: AuditKey,
): ExportQuestion | Refusal {
  const fields = new Fields();
  const newest = engine.head.sequence;
  const first = request.firstSequence === 0 ? 1 : request.firstSequence;
  const last = request.lastSequence === 0 ? newest : request.lastSequence;
  const named = request.partner === '' ? null : fields.name('partner', 'partner', request.partner);
  if (first < 1 || first > newest) {
    fields.fault(
      'first_sequence',
      `${request.firstSequence} is not from 1 to ${newest}, the newest decision`,
    );
  } else if (last < first || last > newest) {
    fields.fault(
      'last_sequence',
      `${request.lastSequence} is not from ${first} to ${newest}, the newest decision`,
    );
  }
  if (fields.refusal) return fields.refusal;
  if (visibility.kind === 'administrations') {
    return refuse('denied', 'NO_EXPORT', 'an export is for partners, auditors and federation administrators');
  }
  if (visibility.kind === 'partner' && named !== null && named !== visibility.partner) {
    return notFound('partner', request.partner);
  }
  if (named !== null && !engine.state.tenancy.partners.has(named) && engine.state.audit.last(named) === 0) {
    return notFound('partner', request.partner);
  }
  const partner = visibility.kind === 'partner' ? visibility.partner : named;
  return { kind: 'export', federation: engine.state.federation.name, key: fingerprint, partner, first, last };
}

/** What ends the file: where the chain stands, signed, and all that is before this line, signed. */
export function lastLine(
  key: Pick<AuditKey, 'sign' | 'signText'>,
  { sequence, hash, digest }: Extract<AuditTold, { end: object }>['end'],
): Buffer {
  const { incarnation, signature } = key.sign({ sequence, hash: Buffer.from(hash) });
  const line = {
    end: sequence,
    incarnation,
    hash: Buffer.from(hash).toString('base64'),
    checkpoint: signature.toString('base64'),
    digest,
    signature: key.signText(`secovia-audit-export-v1\n${digest}\n`).toString('base64'),
  };
  return Buffer.from(`${JSON.stringify(line)}\n`);
}
