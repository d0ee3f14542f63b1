/**
 * The chain as a file, with the content of those decisions that its reader may see: lines of JSON in a form that leaves no
 * choice, so that there is one file that says it. `cli/audit` verifies it, and says what each line is.
 */
import { createHash } from 'node:crypto';
import type { JournalLine } from '../core/audit/line.js';
import type { AuditPiece, ExportQuestion } from '../core/audit/questions.js';
import type { Chain, ChainLine, ChainRow, JournalHead, SignedCheckpoint } from '../store/store.js';
import { partsFor } from './shares.js';

export const formatVersion = 1;

const pieceBytes = 256 * 1024;
/** Checkpoints are looked up for so many decisions at once. */
const checkpointsFor = 100_000;

export function* exportAudit(question: ExportQuestion, chain: Chain): Generator<AuditPiece> {
  const digest = createHash('sha256');
  const end = chain.headWith(question.last);
  let pending: string[] = [];
  let bytes = 0;
  const taken = (): { piece: Uint8Array } => {
    const piece = Buffer.from(pending.join(''));
    digest.update(piece);
    pending = [];
    bytes = 0;
    return { piece };
  };
  for (const line of linesOf(question, chain, end)) {
    const text = `${JSON.stringify(line)}\n`;
    pending.push(text);
    bytes += text.length;
    if (bytes >= pieceBytes) yield taken();
  }
  if (pending.length > 0) yield taken();
  yield { end: { ...end, digest: digest.digest('hex') } };
}

function* linesOf(question: ExportQuestion, chain: Chain, end: JournalHead): Generator<object> {
  const { federation, key, partner } = question;
  const from = beginningOf(question, chain, end);
  const before = chain.headBefore(from);
  yield {
    secoviaAudit: formatVersion,
    federation,
    key,
    partner,
    first: before.sequence + 1,
    last: end.sequence,
    before: base64(before.hash),
  };
  if (from > end.sequence) return;
  const kept = new KeptCheckpoints(chain, end.sequence);
  for (const row of chain.rows(from, end.sequence)) {
    yield rowLine(row);
    for (const [index, line] of row.lines.entries()) {
      const shown = row.commitments === null ? null : shownLine(row.first + index, line, partner);
      if (shown !== null) yield shown;
    }
    for (const { sequence, incarnation, hash, signature } of kept.at(row)) {
      yield { checkpoint: sequence, incarnation, hash: base64(hash), signature: base64(signature) };
    }
  }
}

/** What a partner is shown begins with the first decision that can be shown alone. */
function beginningOf({ partner, first }: ExportQuestion, chain: Chain, end: JournalHead): number {
  if (partner === null) return first;
  return Math.max(first, chain.firstCommitted() ?? end.sequence + 1);
}

function rowLine({ first: row, last, atMs: at, hash, commitments, lines }: ChainRow): object {
  const head = { row, last, at, hash: base64(hash) };
  if (commitments !== null) return { ...head, commitments: base64(commitments) };
  return { ...head, body: lines.map(({ text }) => text.toString()).join('\n') };
}

/** Null for a decision that is not shown. */
function shownLine(sequence: number, { text, parts }: ChainLine, partner: string | null): object | null {
  const line = JSON.parse(text.toString()) as JournalLine;
  if (parts === null) return erasedLine(sequence, line, partner);
  const [only] = parts;
  const visible = partner === null ? null : partsFor(line, partner);
  if (partner !== null && visible === null) return null;
  if (parts.length === 1 && only !== undefined) {
    return { line: sequence, salt: base64(only.salt), text: only.text.toString() };
  }
  return {
    line: sequence,
    parts: parts.map(({ salt, text: part }, index) =>
      visible === null || visible.has(index)
        ? [base64(salt), part.toString()]
        : base64(createHash('sha256').update(salt).update(part).digest()),
    ),
  };
}

/** Of what was erased only the partners' numbers are left, so that no decision seems to be withheld. */
function erasedLine(
  sequence: number,
  [, , , audience = {}]: JournalLine,
  partner: string | null,
): object | null {
  const erased: Record<string, number> = {};
  for (const [id, number] of Object.entries(audience)) {
    if (partner === null || partner === id) erased[id] = typeof number === 'number' ? number : number[0];
  }
  return partner !== null && Object.keys(erased).length === 0 ? null : { line: sequence, erased };
}

class KeptCheckpoints {
  #found: SignedCheckpoint[] = [];
  #upTo = 0;

  constructor(
    private readonly chain: Chain,
    private readonly end: number,
  ) {}

  /** Those at the end of a row; rows come in order. */
  at({ last }: ChainRow): SignedCheckpoint[] {
    if (last > this.#upTo) {
      this.#upTo = Math.min(last + checkpointsFor, this.end);
      this.#found = this.chain.checkpoints(last, this.#upTo);
    }
    return this.#found.filter(({ sequence }) => sequence === last);
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
