/**
 * An alarm is something that an operator has to know of and can do something about, as a state and not as an event: it is
 * there for as long as its reason is. All of it follows from the state and from what time it is, and `sinceMs` from the
 * state alone, so that it is the same whoever asks, whenever, and after a restart.
 */

/** The worst first. */
export const severities = ['critical', 'warning', 'notice'] as const;
export type Severity = (typeof severities)[number];

/** What an alarm is about, and so who may see it. */
export type About =
  | { kind: 'federation' }
  | { kind: 'site'; id: string }
  | { kind: 'host'; id: string }
  | { kind: 'VM'; uid: string; administration: string; id: string }
  /** VMs of an administration on a site. */
  | { kind: 'administration'; id: string; site: string | null }
  /** `key` is that of its scope. */
  | { kind: 'quota'; administration: string; key: string }
  | { kind: 'loan'; id: string }
  | { kind: 'agreement'; id: string };

export interface Alarm {
  /** Stable, upper case, e.g. `HOST_LOST`. */
  code: string;
  severity: Severity;
  about: About;
  /** Tells two alarms of one code about the same thing apart. */
  of?: string;
  sinceMs: number;
  /** What is the matter, a sentence. */
  message: string;
  /** What to do, a sentence. */
  advice: string;
  /** For those whose VM it is alone: others have an alarm of the host that it follows from. */
  ownersOnly?: true;
}

/** What an alarm needs to know beside the state. */
export interface Surroundings {
  nowMs: number;
  /** Certificates that are in no record: the scheduler's own, and its authority's. */
  certificates: readonly OwnCertificate[];
}

export interface OwnCertificate {
  of: 'scheduler' | 'authority';
  issuedMs: number;
  endMs: number;
}
