/** Who calls: what the API needs to know of a call's connection and its headers. */
import type { Metadata } from '@grpc/grpc-js';
import { type Caller, insecureCaller } from '../core/access/caller.js';
import type { Refusal } from '../core/refusal.js';

/** A call, as far as it says who makes it. */
export interface Call {
  /** Address and port of the other end. */
  getPeer(): string;
  /** `/secovia.v1.SERVICE/METHOD`. */
  getPath(): string;
  metadata: Metadata;
}

/** A promise only where a token has to be verified first; otherwise in the same turn. */
export type Identified = Caller | Refusal | Promise<Caller | Refusal>;

export interface Callers {
  of(call: Call): Identified;
}

/** Without TLS everybody is the same caller, who may do everything; the scheduler then listens on loopback only. */
export const insecureCallers: Callers = { of: () => insecureCaller };
