/**
 * Who owes whom for a span of time. Use is added up exactly for each agreement, creditor, debtor and currency; the sum is
 * rounded once, half to even, to the currency's minor unit, and everything else (debts, balances) is made of these rounded
 * lines, so that it adds up to exactly zero. Everything is sorted, so that the same journal gives the same bytes.
 */
import { Amounts, hourMs, partsPerMicro } from './cost.js';
import { minorDecimals } from './currency.js';
import { exactNumber, halfEven } from './exact.js';
import { owedUnder, type Span, type Terms, type Use } from './segment.js';

export interface SettlementLine {
  agreement: string;
  creditor: string;
  debtor: string;
  /** Unit hours in thousandths, of VMs ordered to run or to be stopped alike. */
  vcpuMillihours: number;
  memoryGibMillihours: number;
  diskGibMillihours: number;
  amountMinor: number;
  currency: string;
}

export interface Debt {
  debtor: string;
  creditor: string;
  /** Above 0. */
  amountMinor: number;
  currency: string;
}

export interface Balance {
  party: string;
  /** Above 0: it gets. */
  amountMinor: number;
  currency: string;
}

export interface Settlement {
  lines: SettlementLine[];
  debts: Debt[];
  balances: Balance[];
}

/** Adds up the use in several spans at once; they follow one another, and do not overlap. */
export class Settling {
  /** By the terms, the amounts in each span. */
  readonly #amounts = new Map<Terms, (Amounts | undefined)[]>();

  constructor(private readonly spans: readonly Span[]) {}

  add(use: Use, fromMs: number, toMs: number): void {
    const terms = owedUnder(use);
    if (terms === null) return;
    for (let index = 0; index < this.spans.length; index += 1) {
      const span = this.spans[index] as Span;
      if (span.toMs <= fromMs) continue;
      if (span.fromMs >= toMs) return;
      this.#amountsOf(terms, index).add(use, Math.min(toMs, span.toMs) - Math.max(fromMs, span.fromMs));
    }
  }

  #amountsOf(terms: Terms, index: number): Amounts {
    let amounts = this.#amounts.get(terms);
    if (amounts === undefined) {
      amounts = [];
      this.#amounts.set(terms, amounts);
    }
    amounts[index] ??= new Amounts();
    return amounts[index] as Amounts;
  }

  /** The settlement of one of the spans. */
  settlement(index: number): Settlement {
    const sums = new Map<string, LineSum>();
    for (const [terms, bySpan] of this.#amounts) {
      const amounts = bySpan[index];
      if (amounts === undefined) continue;
      const { agreement, creditor, debtor, price } = terms;
      const key = JSON.stringify([agreement, creditor, debtor, price.currency]);
      const sum = sums.get(key);
      if (sum === undefined) sums.set(key, new LineSum(terms, amounts));
      else sum.add(terms, amounts);
    }
    const lines = [...sums.values()].map((sum) => sum.line());
    lines.sort((a, b) =>
      inOrder(
        [a.agreement, a.creditor, a.debtor, a.currency],
        [b.agreement, b.creditor, b.debtor, b.currency],
      ),
    );
    const debts = debtsOf(lines);
    return { lines, debts, balances: balancesOf(debts) };
  }
}

/** What a line is made of: terms differ by their prices. */
class LineSum {
  #vcpuMs = 0n;
  #memoryMibMs = 0n;
  #diskMibMs = 0n;
  #parts = 0n;

  constructor(
    private readonly terms: Terms,
    amounts: Amounts,
  ) {
    this.add(terms, amounts);
  }

  add({ price }: Terms, amounts: Amounts): void {
    this.#vcpuMs += amounts.vcpuMs;
    this.#memoryMibMs += amounts.memoryMibMs;
    this.#diskMibMs += amounts.diskMibMs;
    this.#parts += amounts.cost(price);
  }

  line(): SettlementLine {
    const { agreement, creditor, debtor, price } = this.terms;
    const partsPerMinor = partsPerMicro * 10n ** BigInt(6 - minorDecimals(price.currency));
    const msPerMillihour = BigInt(hourMs / 1000);
    return {
      agreement,
      creditor,
      debtor,
      vcpuMillihours: exactNumber(halfEven(this.#vcpuMs, msPerMillihour)),
      memoryGibMillihours: exactNumber(halfEven(this.#memoryMibMs, msPerMillihour * 1024n)),
      diskGibMillihours: exactNumber(halfEven(this.#diskMibMs, msPerMillihour * 1024n)),
      amountMinor: exactNumber(halfEven(this.#parts, partsPerMinor)),
      currency: price.currency,
    };
  }
}

/** Of each two parties, in each currency, the one that owes more owes the difference. */
function debtsOf(lines: readonly SettlementLine[]): Debt[] {
  const between = new Map<string, { first: string; second: string; currency: string; firstOwes: bigint }>();
  for (const { creditor, debtor, amountMinor, currency } of lines) {
    const [first, second] = debtor < creditor ? [debtor, creditor] : [creditor, debtor];
    const key = JSON.stringify([first, second, currency]);
    const pair = between.get(key) ?? { first, second, currency, firstOwes: 0n };
    pair.firstOwes += BigInt(amountMinor) * (debtor === first ? 1n : -1n);
    between.set(key, pair);
  }
  const debts: Debt[] = [];
  for (const { first, second, currency, firstOwes } of between.values()) {
    if (firstOwes > 0n) {
      debts.push({ debtor: first, creditor: second, amountMinor: exactNumber(firstOwes), currency });
    } else if (firstOwes < 0n) {
      debts.push({ debtor: second, creditor: first, amountMinor: exactNumber(-firstOwes), currency });
    }
  }
  return debts.sort((a, b) =>
    inOrder([a.debtor, a.creditor, a.currency], [b.debtor, b.creditor, b.currency]),
  );
}

function balancesOf(debts: readonly Debt[]): Balance[] {
  const balances = new Map<string, { party: string; currency: string; amount: bigint }>();
  const book = (party: string, currency: string, amount: bigint) => {
    const key = JSON.stringify([party, currency]);
    const balance = balances.get(key) ?? { party, currency, amount: 0n };
    balance.amount += amount;
    balances.set(key, balance);
  };
  for (const { debtor, creditor, amountMinor, currency } of debts) {
    book(creditor, currency, BigInt(amountMinor));
    book(debtor, currency, -BigInt(amountMinor));
  }
  return [...balances.values()]
    .map(({ party, currency, amount }) => ({ party, amountMinor: exactNumber(amount), currency }))
    .sort((a, b) => inOrder([a.party, a.currency], [b.party, b.currency]));
}

/** Compares lists of texts, the first difference decides; by code units, whatever the machine's language is. */
export function inOrder(a: readonly string[], b: readonly string[]): number {
  for (let index = 0; index < a.length; index += 1) {
    const [one, other] = [a[index] as string, b[index] as string];
    if (one !== other) return one < other ? -1 : 1;
  }
  return 0;
}
