/** How what a request names stands to the caller: not there for it, in its sight, its own, or below its administration. */
import type { VmRef } from '../commands.js';
import type { Host, Operation, Site } from '../model.js';
import type { State } from '../state.js';
import type { Sight } from './sight.js';

interface OfTenancy {
  kind: 'partner' | 'residency rule' | 'agreement' | 'loan';
  id: string;
}

interface Plain {
  kind:
    | 'site'
    | 'host'
    | 'administration'
    | 'image'
    | 'storage pool'
    | 'operation'
    | 'data class'
    | 'identity'
    | 'join token';
  id: string;
}

/** What has an id of its own in a collection. */
export type NamedKind = (OfTenancy | Plain)['kind'];

export type Thing =
  | OfTenancy
  | Plain
  /** `as` a guest it is a matter of whoever runs its host, and not of its owner. */
  | { kind: 'VM'; ref: VmRef; as?: 'guest' }
  /** `key` is that of its scope. */
  | { kind: 'quota'; administration: string; key: string };

/** Each includes those before it. What does not exist and what is out of sight are the same. */
export type Relation = 'absent' | 'seen' | 'own' | 'below';

export function relationTo(state: State, sight: Sight, thing: Thing): Relation {
  switch (thing.kind) {
    case 'site':
      return ofSite(sight, state.sites.get(thing.id));
    case 'host':
      return ofHost(state, sight, state.hosts.get(thing.id));
    case 'storage pool': {
      const pool = state.pools.get(thing.id);
      if (pool === undefined || !sight.pool(pool)) return 'absent';
      return ofSite(sight, state.sites.get(pool.site));
    }
    case 'join token': {
      const token = state.access.tokens.get(thing.id);
      return token !== undefined && sight.token(token) ? 'own' : 'absent';
    }
    case 'administration': {
      const administration = state.administrations.get(thing.id);
      if (administration === undefined || !sight.administration(administration)) return 'absent';
      return ofSubtree(sight, thing.id);
    }
    case 'quota':
      if (!state.tenancy.quotas.has(`${thing.administration}/${thing.key}`)) return 'absent';
      return sight.isInSubtree(thing.administration) ? ofSubtree(sight, thing.administration) : 'absent';
    case 'VM': {
      const { ref } = thing;
      const vm = 'uid' in ref ? state.vms.get(ref.uid) : state.vmByName(ref.administration, ref.id);
      if (vm === undefined || !sight.vm(vm)) return 'absent';
      const isOwn = thing.as === 'guest' ? sight.partner !== null : sight.isInSubtree(vm.administration);
      return isOwn ? 'own' : 'seen';
    }
    case 'operation': {
      const operation = state.operations.get(thing.id);
      if (operation === undefined || !sight.operation(operation)) return 'absent';
      // Moves and adoptions are ordered by operators, everything else by those whose VMs they are.
      return isOfOperators(operation) === (sight.partner !== null) ? 'own' : 'seen';
    }
    case 'identity': {
      const identity = state.access.identities.get(thing.id);
      return identity !== undefined && sight.identity(identity) ? 'own' : 'absent';
    }
    case 'image':
      return state.images.has(thing.id) ? 'seen' : 'absent';
    case 'data class':
      return state.tenancy.classes.has(thing.id) ? 'seen' : 'absent';
    default:
      return ofTenancy(state, sight, thing);
  }
}

const isOfOperators = ({ verb }: Operation): boolean => verb === 'migrate' || verb === 'adopt';

function ofTenancy({ tenancy }: State, sight: Sight, { kind, id }: OfTenancy): Relation {
  switch (kind) {
    case 'partner':
      if (!tenancy.partners.has(id)) return 'absent';
      return id === sight.partner ? 'own' : 'seen';
    case 'residency rule': {
      const rule = tenancy.rules.get(id);
      return rule !== undefined && sight.rule(rule) ? 'seen' : 'absent';
    }
    case 'agreement': {
      const agreement = tenancy.agreements.get(id);
      if (agreement === undefined || !sight.agreement(agreement)) return 'absent';
      return sight.partner === null ? 'seen' : 'own';
    }
    case 'loan': {
      const loan = tenancy.loans.get(id);
      if (loan === undefined || !sight.loan(loan)) return 'absent';
      // A loan that reaches beyond the subtree is a matter of whoever is above both.
      return sight.isInSubtree(loan.lender) ? ofSubtree(sight, loan.borrower, 'seen') : 'seen';
    }
  }
}

function ofSite(sight: Sight, site: Site | undefined): Relation {
  if (site === undefined) return 'absent';
  return sight.ownsSite(site) ? 'own' : 'seen';
}

function ofHost(state: State, sight: Sight, host: Host | undefined): Relation {
  if (host === undefined || !sight.host(host)) return 'absent';
  return ofSite(sight, state.sites.get(host.site));
}

/** Of what hangs on an administration: one's own limits are set by somebody above. */
function ofSubtree(sight: Sight, administration: string, own: Relation = 'own'): Relation {
  if (!sight.isInSubtree(administration)) return 'seen';
  return administration === sight.top ? own : 'below';
}

const order: readonly Relation[] = ['absent', 'seen', 'own', 'below'];

export function isAtLeast(relation: Relation, wanted: Relation): boolean {
  return order.indexOf(relation) >= order.indexOf(wanted);
}
