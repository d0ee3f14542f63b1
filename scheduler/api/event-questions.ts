/** What is asked for of events, as the journal's readers are asked: whose events, and how much of them the caller may see. */
import type { Caller } from '../core/access/caller.js';
import { eventFilter } from '../core/audit/event-kinds.js';
import type { EventsOf, Place, Visibility } from '../core/audit/questions.js';
import { eventsVisibleIn } from '../core/audit/visibility.js';
import { notFound, type Refusal, refuse } from '../core/refusal.js';
import type { State } from '../core/state.js';
import type { Engine } from '../engine.js';
import { idIn, vmRefIn } from '../render/names.js';
import { sightOf } from './authorization.js';
import { type Fields, quoted } from './fields.js';
import { filterOf } from './filters.js';

export const notForYou = refuse('denied', 'NO_EVENTS', 'events are shown to those whom they concern');

/** What the caller may see now. */
export function visibleEvents(engine: Engine, caller: Caller): Visibility {
  return eventsVisibleIn(engine.state, sightOf(engine, caller));
}

export function checkEventFilter(fields: Fields, filter: string): void {
  filterOf(fields, filter, eventFilter);
}

/** Whose events a name asks for, as it stands now: hosts come to sites, and administrations move. */
export function eventsOf(fields: Fields, state: State, name: string): EventsOf | Refusal {
  if (name === '') return { kind: 'everything' };
  const ref = vmRefIn(name);
  if (ref !== null) {
    // One that is gone is known by its uid alone.
    if ('uid' in ref) return { kind: 'vm', uid: ref.uid };
    const vm = state.vmByName(ref.administration, ref.id);
    return vm === undefined ? notFound('VM', name) : { kind: 'vm', uid: vm.uid };
  }
  const host = idIn('host', name);
  if (host !== null) {
    return state.hosts.has(host) ? { kind: 'hosts', site: null, hosts: [host] } : notFound('host', name);
  }
  const site = idIn('site', name);
  if (site !== null) {
    if (!state.sites.has(site)) return notFound('site', name);
    const hosts = [...state.hosts.values()].filter((each) => each.site === site).map(({ id }) => id);
    return { kind: 'hosts', site, hosts };
  }
  const administration = idIn('administration', name);
  if (administration === null) {
    fields.fault(
      'about',
      `${quoted(name)} must be administrations/ADMINISTRATION/vms/VM, vms/UID, hosts/HOST, sites/SITE or administrations/ADMINISTRATION`,
    );
    return { kind: 'everything' };
  }
  if (!state.administrations.has(administration)) return notFound('administration', name);
  const administrations = [...state.tenancy.tree.node(administration).subtree()].map(({ id }) => id);
  return { kind: 'administrations', administrations };
}

/** A place in the journal as a token has it, or null. */
export function placeIn(text: string): Place | null {
  const match = /^(\d{1,15})\.(\d{1,16})$/.exec(text);
  return match === null ? null : { sequence: Number(match[1]), position: Number(match[2]) };
}

export function placeText({ sequence, position }: Place): string {
  return `${sequence}.${position}`;
}
