/** Who may call: records of identities, their certificates, and the tokens that hosts join with. */

export type Role =
  | 'federation_administrator'
  | 'partner_operator'
  | 'administration_administrator'
  | 'administration_user'
  | 'auditor'
  | 'portal';

/** A certificate that the federation's authority has signed. */
export interface Certificate {
  /** Hexadecimal, lower case. */
  serial: string;
  /** Or when its host first showed it, where the journal of that time was lost. */
  issuedMs: number;
  endMs: number;
  /** Left out while it is good. */
  revokedMs?: number;
  /** SHA-256 of its public key, hexadecimal; of hosts only, which may have several certificates of one key. */
  keyHash?: string;
}

/** The answer to a host that has joined, until it has said hello: it may have been lost on the way. */
export interface Enrolled {
  /** `JoinToken.id`. */
  token: string;
  keyHash: string;
  /** PEM. */
  chainPem: string;
}

/** Somebody who calls: a person or a program, never a host. */
export interface Identity {
  id: string;
  title: string;
  role: Role;
  /** Of a partner's operator, else null. */
  partner: string | null;
  /** Of an administration's administrators and users, else null. */
  administration: string | null;
  /** Of a portal: administrations, with everything below them. */
  serves: string[];
  disabled: boolean;
  /** Those that have not ended, the newest last. */
  certificates: Certificate[];
  revision: number;
  createdMs: number;
  updatedMs: number;
}

/** What lets a host join. The secret itself is nowhere. */
export interface JoinToken {
  id: string;
  site: string;
  /** SHA-256 of the secret, hexadecimal. */
  secretHash: string;
  endMs: number;
  usesLeft: number;
  /** Hosts that have joined with it, with the SHA-256 of the key that each brought. */
  used: { host: string; keyHash: string }[];
  /** The identity of who made it. */
  creator: string;
  createdMs: number;
}
