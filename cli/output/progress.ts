/**
 * Progress while something goes on, on stderr. On a terminal one block of lines is rewritten in place; anywhere else
 * each line is written once, when it changes, so that a log reads as a history.
 */
import type { Context } from '../context.js';
import { harmless } from './harmless.js';

export interface ProgressLine {
  /** Identifies the line from one update to the next. */
  key: string;
  text: string;
  /** Shown on a terminal only, since it changes all the time. */
  elapsed?: string;
}

export interface Progress {
  update(lines: readonly ProgressLine[]): Promise<void>;
  /** Takes the live block away; what was written as lines stays. */
  end(): Promise<void>;
}

export function startProgress(context: Context): Progress {
  return context.world.stderr.isTTY === true && context.world.env['TERM'] !== 'dumb'
    ? new Block(context)
    : new Lines(context);
}

class Block implements Progress {
  readonly #context: Context;
  #height = 0;

  constructor(context: Context) {
    this.#context = context;
  }

  async update(lines: readonly ProgressLine[]): Promise<void> {
    // Some terminals say that they have no size at all.
    const columns = this.#context.world.stderr.columns || 80;
    const rows = this.#context.world.stderr.rows || 24;
    // A block taller than the screen could not be rewritten: its top would have scrolled away.
    const shown = lines.slice(0, Math.max(1, rows - 2));
    const texts = shown.map(({ text, elapsed }) =>
      fit(harmless(elapsed === undefined ? text : `${text}  ${elapsed}`), columns - 1),
    );
    await this.#context.sayRaw(`${this.#eraser()}${texts.map((text) => `${text}\n`).join('')}`);
    this.#height = texts.length;
  }

  async end(): Promise<void> {
    await this.#context.sayRaw(this.#eraser());
    this.#height = 0;
  }

  /** Back to the block's first line, and everything from there erased. */
  #eraser(): string {
    return this.#height === 0 ? '' : `\x1b[${this.#height}A\x1b[J`;
  }
}

class Lines implements Progress {
  readonly #context: Context;
  readonly #last = new Map<string, string>();

  constructor(context: Context) {
    this.#context = context;
  }

  async update(lines: readonly ProgressLine[]): Promise<void> {
    for (const { key, text } of lines) {
      if (this.#last.get(key) === text) continue;
      this.#last.set(key, text);
      await this.#context.sayRaw(`${harmless(text)}\n`);
    }
  }

  async end(): Promise<void> {}
}

/** Cut to a number of columns, counting wide scripts as two; a line that wrapped would spoil the rewriting. */
function fit(text: string, columns: number): string {
  let used = 0;
  let out = '';
  for (const character of text) {
    used += character.codePointAt(0)! >= 0x1100 ? 2 : 1;
    if (used > columns) return `${out.slice(0, -1)}…`;
    out += character;
  }
  return out;
}
