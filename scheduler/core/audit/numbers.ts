/**
 * The running numbers of each partner: the decisions that concern it count 1, 2, 3, so that a partner who is shown its
 * decisions sees when one is left out. A number is in the decision's line of the journal, and is never given twice.
 */
import type { Touched } from '../touched.js';

/** How many decisions have concerned a partner. It outlives the partner: one of the same id goes on from here. */
export interface AuditNumber {
  partner: string;
  last: number;
}

export class AuditNumbers {
  readonly #byPartner = new Map<string, AuditNumber>();

  /** How many decisions have concerned this partner so far. */
  last(partner: string): number {
    return this.#byPartner.get(partner)?.last ?? 0;
  }

  all(): Iterable<AuditNumber> {
    return this.#byPartner.values();
  }

  load(number: AuditNumber): void {
    this.#byPartner.set(number.partner, number);
  }

  /** Notes the number of the newest decision that concerns a partner. */
  set(partner: string, last: number, touched: Touched): void {
    let number = this.#byPartner.get(partner);
    if (number === undefined) {
      number = { partner, last };
      this.#byPartner.set(partner, number);
    } else number.last = last;
    touched.write('audit', partner, number);
  }
}
