/** What of a decision's line is for whom, as the line itself says. */
import type { JournalLine } from '../core/audit/line.js';
import type { Visibility } from '../core/audit/questions.js';

/** Indexes of the changes that somebody may see; `all` of them, or null for nothing of the line. */
export type Share = 'all' | readonly number[] | null;

export function shareOf(
  [, changes, , audience = {}, administrations = {}]: JournalLine,
  to: Visibility,
): Share {
  switch (to.kind) {
    case 'everything':
      return 'all';
    case 'nothing':
      return null;
    case 'partner':
      return shareOfPartner(Object.hasOwn(audience, to.partner) ? audience[to.partner] : undefined);
    case 'administrations': {
      const seen = new Set<number>();
      for (const id of Object.keys(administrations)) {
        if (!to.administrations.includes(id)) continue;
        const some = administrations[id] as number[];
        for (const index of some.length === 0 ? changes.keys() : some) seen.add(index);
      }
      return seen.size === 0 ? null : [...seen].sort((a, b) => a - b);
    }
  }
}

function shareOfPartner(numbered: number | [number, ...number[]] | undefined): Share {
  if (numbered === undefined) return null;
  return typeof numbered === 'number' ? 'all' : numbered.slice(1);
}

/**
 * Which parts of a line that is cut are shown to a partner: the beginning, what it may see of the changes, by whom, its own
 * number, and the brackets in between; null when the line does not concern it.
 */
export function partsFor(line: JournalLine, partner: string): Set<number> | null {
  const [, changes, , audience = {}] = line;
  const share = shareOf(line, { kind: 'partner', partner });
  if (share === null) return null;
  const count = changes.length;
  const partners = Object.keys(audience);
  const indexes = share === 'all' ? [...changes.keys()] : share;
  const numbers = count + 2;
  const rest = numbers + partners.length;
  return new Set([
    0,
    ...indexes.map((index) => index + 1),
    count + 1,
    numbers + partners.indexOf(partner),
    rest,
    rest + 2,
  ]);
}
