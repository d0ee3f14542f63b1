/**
 * A refusal is the core's way to say no: a value, never an exception, with a stable reason, a sentence that says
 * what to do, and the numbers. It becomes a gRPC status in one place, `api/status.ts`.
 */

export type RefusalKind =
  | 'invalid'
  | 'not_found'
  | 'already_exists'
  | 'precondition'
  | 'exhausted'
  | 'aborted'
  /** The caller may not do this at all. */
  | 'denied'
  /** The caller has not proved who it is. */
  | 'unauthenticated'
  | 'unavailable'
  | 'unimplemented';

export interface Refusal {
  kind: RefusalKind;
  /** Stable, upper case, e.g. `VM_NOT_FOUND`. */
  reason: string;
  message: string;
  metadata: Record<string, string>;
  /** The resource it is about, as type and name. */
  resource?: { type: string; name: string };
  /** What is wrong with which field of the request. */
  violations?: { field: string; description: string }[];
  /** Which limits were exceeded: resources of the contract, each with a sentence. */
  quota?: { subject: string; description: string }[];
  /** Trying again after this long makes sense. */
  retryDelayMs?: number;
  /** What of it is for those alone who may see whose it is. */
  confidential?: Confidential[];
}

/** Numbers of others in a refusal, with what is said instead. `access/discretion.ts` knows who may see them. */
export interface Confidential {
  of: { kind: 'administration' | 'agreement' | 'partner' | 'host' | 'storage pool' | 'identity'; id: string };
  /** As they stand in the message, and in `quota`. */
  words: string;
  instead: string;
  /** Keys of the metadata. */
  metadata?: string[];
}

export function refuse(
  kind: RefusalKind,
  reason: string,
  message: string,
  metadata: Record<string, string> = {},
): Refusal {
  return { kind, reason, message, metadata };
}

/** Tells a refusal from whatever else something may have given. */
export function isRefusal(one: unknown): one is Refusal {
  return typeof one === 'object' && one !== null && 'kind' in one && 'reason' in one && 'message' in one;
}

/** The plain sentence for an id that names nothing. */
export function notFound(type: string, name: string): Refusal {
  return {
    kind: 'not_found',
    reason: `${type.toUpperCase().replaceAll(' ', '_')}_NOT_FOUND`,
    message: `there is no ${type} ${JSON.stringify(name)}`,
    metadata: {},
    resource: { type, name },
  };
}

/** The plain sentence for an id that is taken. */
export function alreadyExists(type: string, name: string): Refusal {
  return {
    kind: 'already_exists',
    reason: `${type.toUpperCase().replaceAll(' ', '_')}_EXISTS`,
    message: `there is already a ${type} ${JSON.stringify(name)}`,
    metadata: {},
    resource: { type, name },
  };
}
