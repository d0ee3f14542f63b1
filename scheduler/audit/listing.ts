/** Decisions for people, the newest first: a page at a time, and of a long journal only so much of it in one go. */
import { agentOf } from '../core/audit/event-kinds.js';
import type { By, JournalLine } from '../core/audit/line.js';
import type {
  AuditPiece,
  ListedEntry,
  ListQuestion,
  RecordedChange,
  Visibility,
} from '../core/audit/questions.js';
import { learnNames, resourcesOf, type VmNames } from '../core/audit/resources.js';
import { entryFilter } from '../core/audit/entry-filter.js';
import { parseFilter } from '../core/filter.js';
import type { Chain } from '../store/store.js';
import { shareOf } from './shares.js';

/** A page ends here, though it may not be full: whoever goes on asks again, and may as well give up. */
export const mostLinesOfPage = 100_000;
const fullPageBytes = 2 * 2 ** 20;

export function* list(question: ListQuestion, chain: Chain): Generator<AuditPiece> {
  const { from, to, size, filter, visibility } = question;
  const matches = parseFilter(filter, entryFilter);
  const names: VmNames = new Map(Object.entries(question.vms).map(([name, uid]) => [uid, name]));
  const entries: ListedEntry[] = [];
  let [seen, bytes] = [0, 0];
  for (const { first, lines } of chain.rowsBackwards(from)) {
    for (let index = Math.min(lines.length - 1, from - first); index >= 0; index -= 1) {
      const sequence = first + index;
      if (sequence < to) {
        yield { entries, next: null };
        return;
      }
      const text = lines[index]?.text.toString() ?? '';
      const entry = entryOf(sequence, JSON.parse(text) as JournalLine, visibility, names);
      if (entry !== null && matches(entry)) {
        entries.push(entry);
        bytes += text.length;
      }
      seen += 1;
      // What is before is not here: that is for the next page to say.
      const isLast = entries.length > 0 && index === 0 && chain.isMissing(first - 1);
      if (entries.length < size && bytes < fullPageBytes && seen < mostLinesOfPage && !isLast) continue;
      yield { entries, next: sequence > to ? sequence - 1 : null };
      return;
    }
  }
  yield { entries, next: null };
}

/** Null for what is not to be seen, and for lines that change nothing. */
function entryOf(
  sequence: number,
  line: JournalLine,
  visibility: Visibility,
  names: VmNames,
): ListedEntry | null {
  const [atMs, all, by = {}] = line;
  for (const change of all) learnNames(change, names);
  const share = shareOf(line, visibility);
  if (share === null) return null;
  const shown: RecordedChange[] = share === 'all' ? all : share.map((index) => all[index] as RecordedChange);
  if (shown.length === 0) return null;
  const hides = visibility.kind === 'administrations';
  const changes = hides ? shown.map(withoutHosts) : shown;
  const resources = [...new Set(changes.flatMap((change) => resourcesOf(change, names)))];
  return { sequence, atMs, by: hides ? byNoHost(by) : by, changes, resources, vms: namesIn(changes, names) };
}

/** Names of the VMs that changes speak of, as far as they are known. */
export function namesIn(changes: readonly RecordedChange[], names: VmNames): Record<string, string> {
  const known: Record<string, string> = {};
  for (const change of changes) {
    const uid = 'uid' in change ? change.uid : change.type === 'vm.created' ? change.vm.uid : '';
    const name = names.get(uid);
    if (name !== undefined) known[uid] = name;
  }
  return known;
}

/** That an agent has told of something is known to all, and which one to whoever runs it. */
export function byNoHost(by: By): By {
  const host = agentOf(by);
  return host === null ? by : { ...by, i: `${by.i?.slice(0, -host.length)}-` };
}

const hostFields = new Set(['host', 'peer', 'refusedBy', 'numaCells', 'why']);

/** Hosts are their owners' business. */
export function withoutHosts(change: RecordedChange): RecordedChange {
  const text = JSON.stringify(change, (field, value) => (hostFields.has(field) ? undefined : value));
  const shown = JSON.parse(text) as RecordedChange;
  // Why a VM is not handed over is said in words that name the other host.
  if (shown.type === 'vm.move' && shown.move !== null) delete shown.move.fault;
  if (shown.type === 'host.leftover' || shown.type === 'host.cleared') shown.id = '-';
  return shown;
}
