/**
 * How failures of libvirt look to the rest of the house: one error class that keeps libvirt's own numbers, and
 * names for those numbers that callers decide by.
 */

export class LibvirtError extends Error {
  override readonly name = 'LibvirtError';
  constructor(
    message: string,
    /** virErrorNumber, see `ErrorCode`; `DEADLINE_CODE` when the call's own deadline passed. */
    readonly code: number,
    /** virErrorDomain: which part of libvirt said so. 0 when it was this module. */
    readonly domain: number,
    /** virErrorLevel: 1 warning, 2 error. */
    readonly level: number,
    /** The function of this module that failed, e.g. `domainCreate`. */
    readonly call: string,
  ) {
    super(message);
  }
}

/** `LibvirtError.code` of a call that was given up because its deadline passed. The work may still complete. */
export const DEADLINE_CODE = -1;

/** `LibvirtError.code` of `openConnection` where the addon or libvirt is missing: see `nativeStatus`. */
export const UNAVAILABLE_CODE = -2;

/** The virErrorNumbers that a caller may want to tell apart. */
export const ErrorCode = {
  INTERNAL_ERROR: 1,
  NO_SUPPORT: 3,
  /** Also: a call on a connection that was closed. */
  INVALID_CONN: 6,
  INVALID_ARG: 8,
  OPERATION_FAILED: 9,
  XML_ERROR: 27,
  OPERATION_DENIED: 29,
  SYSTEM_ERROR: 38,
  RPC: 39,
  NO_DOMAIN: 42,
  AUTH_FAILED: 45,
  NO_STORAGE_POOL: 49,
  NO_STORAGE_VOL: 50,
  OPERATION_INVALID: 55,
  CONFIG_UNSUPPORTED: 67,
  OPERATION_TIMEOUT: 68,
  OPERATION_ABORTED: 78,
  NO_DOMAIN_METADATA: 80,
  MIGRATE_UNSAFE: 81,
  OPERATION_UNSUPPORTED: 84,
  AGENT_UNRESPONSIVE: 86,
  /** Also: too many calls of a connection wait or hang. */
  RESOURCE_BUSY: 87,
  STORAGE_VOL_EXIST: 90,
  XML_INVALID_SCHEMA: 92,
} as const;

const ERROR_LEVEL = 2;

/** An error of this module itself, which libvirt has not seen. */
export function ownError(message: string, code: number, call: string): LibvirtError {
  return new LibvirtError(message, code, 0, ERROR_LEVEL, call);
}

/** What the addon rejects with: plain data, which becomes an error where the caller's stack is known. */
interface Failure {
  code: number;
  domain: number;
  level: number;
  message: string;
}

function isFailure(reason: unknown): reason is Failure {
  return typeof reason === 'object' && reason !== null && !(reason instanceof Error) && 'level' in reason;
}

/** Whatever the addon threw or rejected with, as an `Error`: its TypeErrors about arguments stay what they are. */
export function asError(reason: unknown, call: string): unknown {
  if (!isFailure(reason)) return reason;
  return new LibvirtError(reason.message, reason.code, reason.domain, reason.level, call);
}
