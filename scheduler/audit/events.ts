/** Events for people, either way through the journal: of a long one only so much in one go. */
import { eventFilter, hostsOf, isAbout, isEvent } from '../core/audit/event-kinds.js';
import type { JournalLine } from '../core/audit/line.js';
import type { AuditPiece, EventsQuestion, ListedEvent, RecordedChange } from '../core/audit/questions.js';
import { learnNames, type VmNames } from '../core/audit/resources.js';
import { type Predicate, parseFilter } from '../core/filter.js';
import type { Chain } from '../store/store.js';
import { byNoHost, mostLinesOfPage, namesIn, withoutHosts } from './listing.js';
import { shareOf } from './shares.js';

const fullPageBytes = 2 * 2 ** 20;

export function* events(question: EventsQuestion, chain: Chain): Generator<AuditPiece> {
  const { order, from, to, size } = question;
  const reader = new Reader(question);
  const found: ListedEvent[] = [];
  let [seen, bytes] = [0, 0];
  for (const { sequence, text, isEdge } of linesOf(chain, order, from.sequence, to)) {
    if (seen >= mostLinesOfPage) {
      yield { events: found, next: reader.begin(sequence) };
      return;
    }
    seen += 1;
    for (const event of reader.eventsOf(sequence, text)) {
      if (found.length >= size || bytes >= fullPageBytes) {
        yield { events: found, next: { sequence, position: event.position } };
        return;
      }
      found.push(event);
      bytes += JSON.stringify(event.change).length;
    }
    // What comes next is not here: that is for the next page to say.
    const next = order === 'newest' ? sequence - 1 : sequence + 1;
    if (isEdge && found.length > 0 && sequence !== to && chain.isMissing(next)) {
      yield { events: found, next: reader.begin(next) };
      return;
    }
  }
  yield { events: found, next: null };
}

/** Lines, and whether another row comes after each. */
function* linesOf(
  chain: Chain,
  order: EventsQuestion['order'],
  from: number,
  to: number,
): Generator<{ sequence: number; text: string; isEdge: boolean }> {
  if (order === 'newest') {
    for (const { first, lines } of chain.rowsBackwards(from)) {
      for (let index = Math.min(lines.length - 1, from - first); index >= 0; index -= 1) {
        if (first + index < to) return;
        yield { sequence: first + index, text: lines[index]?.text.toString() ?? '', isEdge: index === 0 };
      }
    }
    return;
  }
  for (const { first, lines } of chain.rows(from, to)) {
    for (const [index, { text }] of lines.entries()) {
      const sequence = first + index;
      if (sequence > to) return;
      const isEdge = index === lines.length - 1;
      if (sequence >= from) yield { sequence, text: text.toString(), isEdge };
    }
  }
}

/** Takes lines apart, one after the other. */
class Reader {
  readonly #names: VmNames = new Map();
  readonly #matches: Predicate<ListedEvent>;
  readonly #hosts: ReadonlySet<string>;

  constructor(private readonly question: EventsQuestion) {
    this.#matches = parseFilter<ListedEvent>(question.filter, eventFilter);
    this.#hosts = new Set(question.of.kind === 'hosts' ? question.of.hosts : []);
  }

  /** Where a decision begins, in the order that is asked for. */
  begin(sequence: number) {
    const isForward = this.question.order === 'oldest';
    return { sequence, position: isForward ? 0 : Number.MAX_SAFE_INTEGER };
  }

  /** The events of a decision that are to be told, in the order that is asked for. */
  eventsOf(sequence: number, text: string): ListedEvent[] {
    const line = JSON.parse(text) as JournalLine;
    const [atMs, all, by = {}, , owners = {}] = line;
    const { visibility, order, of } = this.question;
    for (const change of all) learnNames(change, this.#names);
    const share = shareOf(line, visibility);
    if (share === null) return [];
    const events: ListedEvent[] = [];
    for (const position of share === 'all' ? all.keys() : share) {
      const change = all[position] as RecordedChange;
      const place = { sequence, position };
      const isOf = (ids: readonly string[]) =>
        ids.some((id) => {
          const some = Object.hasOwn(owners, id) ? owners[id] : undefined;
          return some !== undefined && (some.length === 0 || some.includes(position));
        });
      if (!isEvent(change) || !this.#isReached(place)) continue;
      if (!isAbout(of, this.#hosts, change, by, isOf)) continue;
      const hides = visibility.kind === 'administrations';
      const event: ListedEvent = {
        ...place,
        atMs,
        by: hides ? byNoHost(by) : by,
        change: hides ? withoutHosts(change) : change,
        host: hides ? null : (hostsOf(change, by)[0] ?? null),
        vms: namesIn([change], this.#names),
      };
      if (this.#matches(event)) events.push(event);
    }
    return order === 'newest' ? events.reverse() : events;
  }

  #isReached({ sequence, position }: { sequence: number; position: number }): boolean {
    const { from, order } = this.question;
    if (sequence !== from.sequence) return true;
    return order === 'newest' ? position <= from.position : position >= from.position;
  }
}
