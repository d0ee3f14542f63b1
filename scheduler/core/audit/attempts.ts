/** Calls that were refused. Those that are alike are one record, however many they were. */

export interface RefusedAttempts {
  /** Who called; `nobody` without a certificate. All texts are empty for the many kinds that were counted together. */
  identity: string;
  onBehalf: string;
  method: string;
  /** `Refusal.reason`. */
  reason: string;
  count: number;
  firstMs: number;
  lastMs: number;
}
