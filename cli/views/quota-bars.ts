/**
 * How full the quotas of a subtree are, drawn as bars: one for each amount that has a limit, below the administration and
 * the place where it holds. All characters are plain; on a terminal, colour adds to them.
 */
import type { Administration__Output } from '../../proto/gen/secovia/v1/Administration.js';
import type { Quota__Output } from '../../proto/gen/secovia/v1/Quota.js';
import type { Paint, Tone } from '../output/colours.js';
import { harmless } from '../output/harmless.js';
import type { Amount } from '../values/limits.js';
import { shortName } from '../values/names.js';
import { quotaWords, scopeWords } from '../values/scopes.js';
import { inTreeOrder } from './administration-tree.js';
import { allowed, amountsOfQuota } from './quota.js';

const narrowestBar = 6;
const widestBar = 40;
const step = '  ';
/** From here on a bar is not green any more. */
const busyShare = 0.8;

type Line = { heading: string; title: string } | Bar;

interface Bar {
  label: string;
  used: number;
  limit: number;
  /** `32/64`. */
  numbers: string;
  note: string;
}

/** `columns` is how wide the terminal is. */
export function quotaBars(
  quotas: readonly Quota__Output[],
  administrations: readonly Administration__Output[],
  top: string,
  columns: number,
  paint: Paint,
): string {
  const lines = linesOf(quotas, administrations, top);
  const bars = lines.filter((line): line is Bar => 'label' in line);
  const longest = (of: (bar: Bar) => string) => Math.max(0, ...bars.map((bar) => of(bar).length));
  const labelWidth = longest(({ label }) => label);
  const numbersWidth = longest(({ numbers }) => numbers);
  const noteWidth = longest(({ note }) => note);
  // Two brackets, and two spaces between the parts; the last column of a terminal stays free.
  const rest = columns - 1 - labelWidth - numbersWidth - noteWidth - 2 - 3 * step.length;
  const barWidth = Math.min(widestBar, Math.max(narrowestBar, rest));
  return lines
    .map((line) => {
      if (!('label' in line)) return [line.heading, paint('dull', line.title)].filter(Boolean).join(step);
      const { label, numbers, note } = line;
      const bar = `[${drawn(line, barWidth, paint)}]`;
      const text = [label.padEnd(labelWidth), bar, numbers.padStart(numbersWidth)].join(step);
      return note === '' ? text : `${text}${step}${paint(isOver(line) ? 'bad' : 'dull', note)}`;
    })
    .map((line) => `${line}\n`)
    .join('');
}

function linesOf(
  quotas: readonly Quota__Output[],
  administrations: readonly Administration__Output[],
  top: string,
): Line[] {
  const quotasOf = new Map<string, Quota__Output[]>();
  for (const quota of quotas) {
    const administration = `administrations/${quotaWords(quota.name)?.administration ?? ''}`;
    quotasOf.set(administration, [...(quotasOf.get(administration) ?? []), quota]);
  }
  const shown = withQuotasBelow(administrations, new Set(quotasOf.keys()));
  return inTreeOrder(administrations, top)
    .filter(({ administration }) => shown.has(administration.name))
    .flatMap(({ administration, depth }) => {
      const lead = step.repeat(depth);
      const heading = lead + shortName(administration.name);
      const own = quotasOf.get(administration.name) ?? [];
      return [
        { heading, title: harmless(administration.title) },
        ...own.flatMap((quota) => [
          { heading: `${lead}${step}${scopeWords(quota.scope)}`, title: '' },
          ...barsOf(quota, `${lead}${step}${step}`),
        ]),
      ];
    });
}

/** Those that have quotas, and those between them and the top. */
function withQuotasBelow(
  administrations: readonly Administration__Output[],
  having: ReadonlySet<string>,
): Set<string> {
  const parentOf = new Map(administrations.map(({ name, parent }) => [name, parent]));
  const shown = new Set<string>();
  for (const name of having) {
    for (let at: string | undefined = name; at !== undefined && !shown.has(at); at = parentOf.get(at))
      shown.add(at);
  }
  return shown;
}

function barsOf(quota: Quota__Output, lead: string): Line[] {
  const bars = amountsOfQuota(quota).flatMap((amount): Line[] => {
    const limit = allowed(amount, quota);
    return limit === undefined ? [] : [barOf(amount, quota, limit, lead)];
  });
  return bars.length > 0 ? bars : [{ heading: `${lead}nothing is limited`, title: '' }];
}

function barOf(amount: Amount, quota: Quota__Output, limit: number, lead: string): Bar {
  const { what, of, format } = amount;
  const used = of(quota.used) ?? 0;
  const borrowed = of(quota.borrowed) ?? 0;
  const lent = of(quota.lent) ?? 0;
  const notes = [
    used > limit ? `over by ${format(used - limit)}` : '',
    borrowed > 0 ? `${format(borrowed)} borrowed` : '',
    lent > 0 ? `${format(lent)} lent` : '',
  ];
  return {
    label: lead + harmless(what),
    used,
    limit,
    numbers: `${format(used)}/${format(limit)}`,
    note: notes.filter(Boolean).join(', '),
  };
}

function isOver({ used, limit }: Bar): boolean {
  return used > limit;
}

/** `####....`; what is above the limit is `!`, and the whole bar then stands for what is used. */
function drawn(bar: Bar, width: number, paint: Paint): string {
  const { used, limit } = bar;
  if (isOver(bar)) {
    const above = Math.min(width, Math.max(1, Math.round((width * (used - limit)) / used)));
    return paint('bad', '#'.repeat(width - above) + '!'.repeat(above));
  }
  const filled = used === 0 ? 0 : used === limit ? width : inside(Math.round((width * used) / limit), width);
  return paint(toneOf(bar), '#'.repeat(filled)) + paint('dull', '.'.repeat(width - filled));
}

/** Something is never drawn as nothing, and not yet all never as all. */
function inside(filled: number, width: number): number {
  return Math.min(width - 1, Math.max(1, filled));
}

function toneOf({ used, limit }: Bar): Tone {
  return used < busyShare * limit ? 'good' : 'busy';
}
