/**
 * Whether a caller may do what it asks, in the turn in which it is decided: who it is now, what its role may call at all,
 * whether it sees what it names, and whether what it would change is its own. What is out of sight and what does not exist
 * are answered here alike, for whoever does not see everything.
 */
import type { Caller, Standing } from '../core/access/caller.js';
import { discreet } from '../core/access/discretion.js';
import { refuseRole, type Right, rightTo } from '../core/access/permissions.js';
import { isAtLeast, type Relation, relationTo, type Thing } from '../core/access/relation.js';
import { Sight } from '../core/access/sight.js';
import { renewFirst, standingOf } from '../core/access/standing.js';
import { notFound, type Refusal, refuse } from '../core/refusal.js';
import type { State } from '../core/state.js';
import type { Engine } from '../engine.js';
import type { Authorize } from './admission.js';
import { type Meant, namesIn } from './request-names.js';
import { refuseTerms } from './request-terms.js';

export function authorizer(engine: Engine): Authorize {
  return (method, message, caller) => authorize(engine.state, caller, method, message, engine.now());
}

export function authorize(
  state: State,
  caller: Caller,
  method: string,
  message: object,
  nowMs: number,
): Refusal | null {
  const stands = standingOf(state, caller, nowMs);
  if (stands.refusal) return stands.refusal;
  const { standing } = stands;
  if (standing.role === 'insecure') return null;
  const right = rightTo(method, standing);
  if (right === '-') return refuseCaller(method, caller, standing);
  if (standing.renewsOnly === true && method !== renewal) return renewFirst;
  if (right === 'all') return null;
  const named = namesIn(method, message);
  if (named === null) return refuseCaller(method, caller, standing);
  const sight = new Sight(state, standing);
  for (const { thing, name, meant } of named) {
    const relation = relationTo(state, sight, thing);
    if (relation === 'absent') return notFound(thing.kind, name);
    const isOwn = isAtLeast(relation, wanted(meant, right));
    if (!isOwn || (right === 'self' && !isSelf(thing, standing))) return notYours(thing, name);
  }
  return refuseTerms(state, standing, method, message);
}

const renewal = '/secovia.v1.AgentService/RenewCertificate';

function refuseCaller(method: string, { subject }: Caller, standing: Standing): Refusal {
  if (subject.kind === 'nobody') return refuse('unauthenticated', 'UNAUTHENTICATED', subject.reason);
  return refuseRole(method, standing);
}

function isSelf(thing: Thing, { identity }: Standing): boolean {
  return thing.kind === 'identity' && thing.id === identity;
}

function wanted(meant: Meant, right: Right): Relation {
  if (meant === 'see') return 'seen';
  return meant === 'change' && right === 'below' ? 'below' : 'own';
}

const those: Partial<Record<Thing['kind'], string>> = {
  operation: 'whoever may give that order',
  site: 'operators of its partner',
  host: 'operators of its partner',
  'storage pool': 'operators of its partner',
  partner: 'its operators',
  administration: 'administrators of an administration above it',
  quota: 'administrators of an administration above it',
  loan: 'administrators of an administration above both sides',
};

/** Of what the caller sees, and may not change. */
function notYours({ kind }: Thing, name: string): Refusal {
  const also = those[kind];
  const who = also === undefined ? 'federation administrators' : `${also}, and federation administrators`;
  const message = `${kind} ${JSON.stringify(name)} is not yours to change; ${who} may`;
  return { ...refuse('denied', 'NOT_YOURS', message), resource: { type: kind, name } };
}

/** What a caller sees, in the turn in which it has been let in; nothing when it would not be let in any more. */
export function sightOf(engine: Engine, caller: Caller): Sight {
  const stands = standingOf(engine.state, caller, engine.now());
  return new Sight(engine.state, stands.refusal ? { role: 'nobody' } : stands.standing);
}

/** A refusal as the caller may be told it. */
export function toldTo(engine: Engine, caller: Caller, refusal: Refusal): Refusal {
  if (refusal.confidential === undefined) return refusal;
  return discreet(engine.state, sightOf(engine, caller), refusal);
}
