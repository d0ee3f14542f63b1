/** One thing in full, for people: a label and a value a line. Empty values are left out, lists continue below. */
import type { Paint } from './colours.js';
import { stateTone } from './colours.js';
import { harmless } from './harmless.js';

export type SheetRow = readonly [label: string, value: string | readonly string[]];

export function sheet(rows: readonly SheetRow[], paint: Paint): string {
  const shown = rows.filter(([, value]) => value.length > 0);
  const width = Math.max(0, ...shown.map(([label]) => label.length)) + 2;
  const out: string[] = [];
  for (const [label, value] of shown) {
    const values = typeof value === 'string' ? [value] : value;
    values.forEach((line, index) => {
      const head = index === 0 ? paint('dull', label.padEnd(width)) : ' '.repeat(width);
      const text = harmless(line);
      out.push(`${head}${label === 'State' ? paint(stateTone(text), text) : text}`);
    });
  }
  return out.map((line) => `${line}\n`).join('');
}
