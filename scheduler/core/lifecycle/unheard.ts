/**
 * When a scheduler begins to lead, no host is heard of until its agent says hello. That is one fact, and is kept as one: to
 * write down a hundred thousand hosts anew would take longer than all else that a start does. A host that was saved before
 * says that it is ready, and in which leadership it became so; whoever reads it knows by that that it is heard of no more,
 * and since when: since the leadership after that one began.
 */
import type { Federation, Host } from '../model.js';
import type { State } from '../state.js';

const reason = 'the scheduler has started anew and waits for the agent';

/** A leadership has just begun; the records of hosts are not saved for it. */
export function unhearAll({ federation, hosts, offers }: State, atMs: number): void {
  const { incarnation, counter } = federation.epoch;
  /** In which those became ready whose records may say that they still are. */
  const saved = new Set<string | undefined>();
  for (const host of hosts.values()) {
    if (host.state === 'ready') {
      unhear(host, atMs);
      offers.host(host);
    }
    if (host.state === 'suspect' && host.stateReason === reason) saved.add(host.readyIn);
  }
  // The others are forgotten: a scheduler that fails at each start, and is started again and again, remembers no more for it.
  const before = federation.leaderships ?? [];
  const kept = before.filter(({ id }, at) => saved.has(id) || saved.has(before[at - 1]?.id));
  federation.leaderships = [...kept, { id: `${incarnation}.${counter}`, sinceMs: atMs }];
}

/** Its agent is there, and is as long as this leadership lasts. */
export function becameReady({ leaderships }: Federation, host: Host): void {
  const newest = leaderships?.at(-1);
  if (newest !== undefined) host.readyIn = newest.id;
}

/** Has a host that was just read stand as it did when it was left: no record was written when it fell silent. */
export function unhearOld({ leaderships = [] }: Federation, host: Host): void {
  const begun = host.state === 'ready' ? leaderships[indexAfter(leaderships, host.readyIn)] : undefined;
  if (begun !== undefined) unhear(host, begun.sinceMs);
}

/** Where the leadership after this one is; the oldest, for a host that became ready before they were written down. */
function indexAfter(leaderships: readonly { id: string }[], readyIn: string | undefined): number {
  return leaderships.findIndex(({ id }) => id === readyIn) + 1;
}

function unhear(host: Host, atMs: number): void {
  host.state = 'suspect';
  host.stateMs = atMs;
  host.stateReason = reason;
  host.revision += 1;
  host.updatedMs = atMs;
}
