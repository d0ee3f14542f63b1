/** Who calls, as far as a decision has to know it. How that was proved is the business of whoever made the record. */
import type { Shown } from './certificates.js';
import type { Role } from './model.js';

/** What a caller may act as. Its scope is in the state: an identity that is disabled or moved is so at once. */
export type Subject =
  | { kind: 'identity'; id: string; serial: string }
  /** A portal with a user's token: it acts in one administration, as that user may. */
  | {
      kind: 'delegate';
      portal: string;
      serial: string;
      administration: string;
      role: 'administration_administrator' | 'administration_user';
    }
  /** `keyHash` as in `Certificate`. */
  | { kind: 'host'; id: string; serial: string; keyHash: string }
  /** Has shown no certificate, or one that proves nothing more than `reason` says. */
  | { kind: 'nobody'; reason: string }
  /** The scheduler runs without TLS, on loopback: whoever reaches it may do everything. */
  | { kind: 'insecure' };

export interface Caller {
  /** The certificate's URI, `insecure`, or `nobody`. */
  readonly identity: string;
  /** Issuer and subject of the user's token; empty when it acts for itself. */
  readonly onBehalf: string;
  readonly subject: Subject;
  /** When the certificate ends; 0 without one. */
  readonly certificateEndMs: number;
}

/** What a subject may do follows from this: its role, and whose things it may touch. */
export interface Standing {
  role: Role | 'host' | 'nobody' | 'insecure';
  /** `Identity.id` of who acts for itself. */
  identity?: string;
  /** `Partner.id`, `Administration.id` or `Host.id`, as the role has it. */
  partner?: string;
  administration?: string;
  host?: string;
  /** A portal acts for it: what outlives the portal's word, as a certificate, is not to be had. */
  delegated?: true;
  /** The host's certificate has ended, so lately that it may renew it, and nothing else. */
  renewsOnly?: true;
}

/** The certificate that a host shows; null of anybody else. */
export function shownBy({ subject, certificateEndMs }: Caller): Shown | null {
  if (subject.kind !== 'host') return null;
  return { serial: subject.serial, keyHash: subject.keyHash, endMs: certificateEndMs };
}

/** By whose word something is decided, for the record. */
export interface Actor {
  identity: string;
  onBehalf: string;
  /** For example `secovia.v1.VmService/CreateVm`; empty for what no call asked for. */
  method: string;
  requestId: string;
}

/** What follows from time alone, and the like. */
export const schedulerActor: Actor = { identity: 'scheduler', onBehalf: '', method: '', requestId: '' };

export const insecureCaller: Caller = {
  identity: 'insecure',
  onBehalf: '',
  subject: { kind: 'insecure' },
  certificateEndMs: 0,
};

/** Who has shown no certificate, or one that proves nothing more than the reason says. */
export function nobody(reason: string): Caller {
  return { identity: 'nobody', onBehalf: '', subject: { kind: 'nobody', reason }, certificateEndMs: 0 };
}
