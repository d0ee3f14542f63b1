/**
 * Tables for people, a page at a time: a long list shows its first rows at once. Later pages keep the widths of the
 * earlier ones and only widen them. cli-table3 measures, so wide scripts align.
 */
import type { Paint, Tone } from './colours.js';
import { harmless } from './harmless.js';

export interface Column<Row> {
  head: string;
  value: (row: Row) => string;
  align?: 'right';
  tone?: (row: Row, value: string) => Tone | undefined;
}

const noLines = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

const noStyle = { head: [], border: [], 'padding-left': 0, 'padding-right': 0 };

export class Table<Row> {
  readonly #columns: Column<Row>[];
  readonly #paint: Paint;
  /** Of the pages so far, in columns of the terminal. */
  #widths: number[] | undefined;

  constructor(columns: Column<Row>[], paint: Paint) {
    this.#columns = columns;
    this.#paint = paint;
  }

  /** The next rows as lines, each ended; with the header when they are the first. */
  async page(rows: readonly Row[]): Promise<string> {
    const { default: CliTable3 } = await import('cli-table3');
    const table = new CliTable3({
      chars: noLines,
      style: { ...noStyle, compact: true },
      colAligns: this.#columns.map((column) => column.align ?? 'left'),
    });
    const first = this.#widths === undefined;
    if (first) table.push(this.#columns.map((column) => this.#paint('dull', column.head)));
    for (const row of rows) table.push(this.#columns.map((column) => this.#cell(column, row)));
    // A row as wide as the earlier pages keeps this one at least as wide; it is not shown.
    if (this.#widths !== undefined) table.push(this.#widths.map((width) => 'x'.repeat(width)));
    const lines = table
      .toString()
      .split('\n')
      .map((line) => line.trimEnd());
    this.#widths = table.options.colWidths.map((width) => width ?? 0);
    return (first ? lines : lines.slice(0, -1)).map((line) => `${line}\n`).join('');
  }

  #cell(column: Column<Row>, row: Row): string {
    const value = harmless(column.value(row));
    return this.#paint(column.tone?.(row, value), value);
  }
}
