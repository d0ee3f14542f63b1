/**
 * Verifies an export of the audit with nothing but the public key: that its rows are one chain, that what is shown is what was
 * committed to, that nobody's decisions are left out, and that the scheduler signed it. Takes a line at a time, and keeps no
 * more than one row.
 */
import { createHash, type KeyObject, verify } from 'node:crypto';
import {
  bytesOf,
  checkpointText,
  commitmentOf,
  commitmentOfParts,
  exportText,
  oldRowHash,
  rowHash,
} from './hashes.js';
import type { FileLine } from './file-lines.js';
import {
  type CheckpointLine,
  type DecisionLine,
  type EndLine,
  type HeaderLine,
  parseLine,
  type RowLine,
} from './lines.js';
import { RunningNumbers } from './numbers.js';
import { type FaultCode, Faults, type Verdict } from './verdict.js';
import { type Witness, Witnesses } from './witnesses.js';

export const formatVersion = 1;

/** Nothing can be said of what comes after. */
class Over extends Error {}

export class Verifier {
  readonly #key: KeyObject;
  readonly #fingerprint: string;
  readonly #witnesses: Witnesses;
  readonly #faults = new Faults();
  #header: HeaderLine | null = null;
  /** The hash of the row before; null when that is not known any more. */
  #hash: Buffer | null = null;
  #reached = 0;
  #row: RowLine | null = null;
  #commitments: Buffer = Buffer.alloc(0);
  /** The newest decision of the row that was shown. */
  #shownUpTo = 0;
  #ended = false;
  #over = false;
  /** The newest decision that a good checkpoint covers. */
  #certain = 0;
  #numbers: RunningNumbers | null = null;
  readonly #counts = { shown: 0, erased: 0, checkpoints: 0 };

  constructor(key: KeyObject, witnesses: readonly Witness[] = []) {
    this.#key = key;
    this.#fingerprint = createHash('sha256')
      .update(key.export({ type: 'spki', format: 'der' }))
      .digest('hex');
    this.#witnesses = new Witnesses(witnesses);
  }

  /** False when nothing can be said of what comes after. */
  take(line: FileLine): boolean {
    if (this.#over) return false;
    this.#faults.lines += 1;
    try {
      this.#take(line);
    } catch (error) {
      if (!(error instanceof Over)) throw error;
      this.#over = true;
    }
    return !this.#over;
  }

  /** What is to be said when the last line was taken. */
  verdict(): Verdict {
    if (!this.#over && !this.#ended) {
      const after = this.#header === null ? 'before its first line' : `after decision ${this.#reached}`;
      this.#faults.add('CUT_OFF', this.#reached, `the file was cut off ${after}: its last line is missing`);
    }
    const { federation = '', partner = null, first = 0 } = this.#header ?? {};
    return {
      federation,
      partner,
      first,
      last: this.#reached,
      ...this.#counts,
      numbers: this.#numbers?.ofReader ?? null,
      witnesses: this.#witnesses.heard(first, this.#reached),
      faults: this.#faults.list,
    };
  }

  #take({ bytes, isCut, digestBefore }: FileLine): void {
    if (this.#ended) this.#stop('MALFORMED', 'something stands after the last line of the export');
    if (isCut)
      this.#stop(
        'CUT_OFF',
        `the file was cut off within line ${this.#faults.lines}, after decision ${this.#reached}`,
      );
    const line = parseLine(bytes);
    if (line === null) {
      this.#stop(
        'MALFORMED',
        `line ${this.#faults.lines}, after decision ${this.#reached}, is not as a scheduler writes it: it was altered`,
      );
    } else if ('secoviaAudit' in line) this.#begin(line);
    else if (this.#header === null)
      this.#stop('MALFORMED', 'this is no export of an audit: its first line is no header');
    else if ('row' in line) this.#takeRow(line);
    else if ('line' in line) this.#takeDecision(line);
    else if ('end' in line) this.#end(line, digestBefore());
    else this.#takeCheckpoint(line);
  }

  #begin(header: HeaderLine): void {
    if (this.#header !== null) this.#stop('MALFORMED', `line ${this.#faults.lines} is a second header`);
    if (header.secoviaAudit !== formatVersion) {
      this.#stop(
        'VERSION',
        `the file is of format ${header.secoviaAudit}, and this program knows ${formatVersion}; verify it with another version`,
      );
    }
    if (header.key !== this.#fingerprint) {
      this.#stop(
        'KEY',
        `the file names key ${header.key}, and the given one is ${this.#fingerprint}: it is of another federation, or not genuine`,
      );
    }
    this.#header = header;
    this.#numbers = new RunningNumbers(this.#faults, header);
    this.#hash = bytesOf(header.before);
    this.#reached = header.first - 1;
    if (header.first <= 1 && !bytesOf(header.before).equals(Buffer.alloc(32)))
      this.#faults.add('CHAIN', 0, 'the chain has something before its first decision');
  }

  #takeRow(row: RowLine): void {
    this.#leaveRow();
    const { row: first, last, at, hash, commitments, body } = row;
    if (last < first)
      this.#stop('MALFORMED', `line ${this.#faults.lines} is a row that ends before it begins`);
    const next = this.#reached + 1;
    if (first !== next) {
      if (first > next) {
        this.#faults.add(
          'MISSING',
          next,
          `${decisions(next, first - 1)} missing: cut out before decision ${first}`,
        );
      } else {
        const what = `decision ${first} stands after decision ${this.#reached}`;
        this.#faults.add('ORDER', first, `${what}: rows were put in another order, or stand there twice`);
      }
      // What it is chained to is not in the file, and what it is numbered after neither.
      this.#hash = null;
      this.#numbers?.lose();
    }
    const count = last - first + 1;
    this.#commitments = bytesOf(commitments ?? '');
    if (commitments !== undefined && this.#commitments.length !== count * 32) {
      this.#faults.add(
        'CHAIN',
        first,
        `decisions ${first} to ${last} have ${this.#commitments.length / 32} commitments`,
      );
    } else if (this.#hash !== null) {
      const expected =
        body === undefined
          ? rowHash(this.#hash, first, last, at, this.#commitments)
          : oldRowHash(this.#hash, first, last, body);
      if (!expected.equals(bytesOf(hash))) {
        this.#faults.add(
          'CHAIN',
          first,
          `the chain is broken at ${first === last ? `decision ${first}` : `decisions ${first} to ${last}`}: they were altered, or what is before them was`,
        );
      }
    }
    this.#hash = bytesOf(hash);
    this.#row = row;
    this.#reached = last;
    this.#shownUpTo = first - 1;
    if (body !== undefined) {
      this.#counts.shown += count;
      this.#shownUpTo = last;
    }
    this.#witnesses.hear(row, this.#faults);
  }

  /** In an export of everything each decision is shown. */
  #leaveRow(): void {
    if (this.#row !== null && this.#header?.partner === null) this.#expectShown(this.#row.last + 1);
  }

  #expectShown(upTo: number): void {
    const next = this.#shownUpTo + 1;
    if (next < upTo)
      this.#faults.add('NOT_SHOWN', next, `${decisions(next, upTo - 1)} not shown: left out of the file`);
  }

  #takeDecision(line: DecisionLine): void {
    const { line: sequence, text, parts, erased } = line;
    const row = this.#row;
    if (row === null || sequence < row.row || sequence > row.last) {
      this.#faults.add('ORDER', sequence, `decision ${sequence} does not stand in its row`);
      return;
    }
    if (sequence <= this.#shownUpTo) {
      this.#faults.add('ORDER', sequence, `decision ${sequence} stands there twice, or in another order`);
      return;
    }
    if (this.#header?.partner === null) this.#expectShown(sequence);
    this.#shownUpTo = sequence;
    if (erased !== undefined) this.#counts.erased += 1;
    else {
      this.#counts.shown += 1;
      const start = (sequence - row.row) * 32;
      const committed = this.#commitments.subarray(start, start + 32);
      const commitment =
        text === undefined ? commitmentOfParts(parts ?? []) : commitmentOf(line.salt ?? '', text);
      const isCut = text?.includes('\t') === true || parts?.some((part) => part[1]?.includes('\t'));
      if (isCut === true || !commitment.equals(committed)) {
        this.#faults.add(
          'CONTENT',
          sequence,
          `the content of decision ${sequence} was altered: it is not what was committed to`,
        );
        return;
      }
    }
    this.#numbers?.take(line);
  }

  #takeCheckpoint({ checkpoint: sequence, incarnation, hash, signature }: CheckpointLine): void {
    if (sequence !== this.#reached || this.#row === null) {
      this.#faults.add(
        'ORDER',
        sequence,
        `the checkpoint at decision ${sequence} stands after decision ${this.#reached}`,
      );
      return;
    }
    this.#check(sequence, incarnation, hash, signature, `the checkpoint at decision ${sequence}`);
  }

  #check(sequence: number, incarnation: number, hash: string, signature: string, what: string): void {
    const text = checkpointText(incarnation, sequence, bytesOf(hash));
    if (!verify(null, text, this.#key, bytesOf(signature))) {
      this.#faults.add('SIGNATURE', sequence, `${what} is not signed with this key`);
    } else if (this.#hash?.equals(bytesOf(hash)) !== true) {
      const from = this.#certain + 1;
      this.#faults.add(
        'CHECKPOINT',
        sequence,
        `${what} is of another chain: something from decision ${from} to ${sequence} was altered and chained anew`,
      );
    } else {
      this.#certain = sequence;
      this.#counts.checkpoints += 1;
    }
  }

  #end({ end, incarnation, hash, checkpoint, digest, signature }: EndLine, digestBefore: string): void {
    this.#leaveRow();
    this.#ended = true;
    const announced = this.#header?.last ?? 0;
    if (announced > this.#reached) {
      const next = this.#reached + 1;
      this.#faults.add('MISSING', next, `${decisions(next, announced)} missing at the end of the file`);
    } else if (end !== this.#reached || announced !== end) {
      this.#faults.add(
        'MISSING',
        end,
        `the file ends at decision ${this.#reached}, and says ${announced} and ${end}`,
      );
    }
    this.#check(end, incarnation, hash, checkpoint, 'the end of the file');
    if (!verify(null, exportText(digest), this.#key, bytesOf(signature))) {
      this.#faults.add('SIGNATURE', end, 'the file is not signed with this key');
    } else if (digest !== digestBefore && this.#faults.list.length === 0) {
      this.#faults.add(
        'SIGNATURE',
        end,
        'the file is not the one that was signed: something in it was altered',
      );
    }
  }

  #stop(code: FaultCode, message: string): never {
    this.#faults.add(code, this.#reached, message);
    throw new Over();
  }
}

function decisions(first: number, last: number): string {
  return first === last ? `decision ${first} is` : `decisions ${first} to ${last} are`;
}
