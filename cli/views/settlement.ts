/** A settlement as people and spreadsheets see it. Amounts are shown with all decimals of their currency. */
import type { Settlement__Output } from '../../proto/gen/secovia/v1/Settlement.js';
import type { SettlementBalance__Output } from '../../proto/gen/secovia/v1/SettlementBalance.js';
import type { SettlementDebt__Output } from '../../proto/gen/secovia/v1/SettlementDebt.js';
import type { SettlementLine__Output } from '../../proto/gen/secovia/v1/SettlementLine.js';
import type { Paint } from '../output/colours.js';
import type { CsvColumn } from '../output/csv.js';
import { type Column, Table } from '../output/table.js';
import { decimal } from '../values/decimals.js';
import { shortName } from '../values/names.js';

type Amount = { amountMinor: number; currency: string };

/** Writes amounts by what the scheduler says of the currencies. */
class Money {
  readonly #decimals: Map<string, number>;

  constructor({ currencies }: Settlement__Output) {
    this.#decimals = new Map(currencies.map((each) => [each.currency, each.minorDecimals]));
  }

  bare({ amountMinor, currency }: Amount): string {
    return decimal(amountMinor, this.#decimals.get(currency) ?? 0);
  }

  text(amount: Amount): string {
    return `${this.bare(amount)} ${amount.currency}`.trimEnd();
  }
}

/** `partners/adria` → `adria`; an administration keeps the word, since it is no partner. */
function partyText(name: string): string {
  return name.startsWith('partners/') ? shortName(name) : name.replace('administrations/', 'administration ');
}

/** Three tables: what each agreement comes to, who owes whom, and what each party gets or pays. */
export async function settlementText(settlement: Settlement__Output, paint: Paint): Promise<string> {
  const money = new Money(settlement);
  const { month, provisional, lines, debts, balances } = settlement;
  const amount = { head: 'AMOUNT', value: (each: Amount) => money.text(each), align: 'right' as const };
  const parts = [`Settlement of ${month}${provisional ? ', provisional: up to now' : ''}\n`];
  if (lines.length === 0) parts.push('Nobody owes anybody anything.\n');
  else {
    parts.push(await tableOf(lineColumns(amount), lines, paint));
    parts.push(await tableOf(debtColumns(amount), debts, paint));
    parts.push(await tableOf(balanceColumns(amount), balances, paint));
    parts.push(totals(lines, money));
  }
  parts.push(`Journal: up to decision ${settlement.sequence}, hash ${settlement.journalHash}\n`);
  return parts.filter((part) => part !== '').join('\n');
}

async function tableOf<Row>(columns: Column<Row>[], rows: readonly Row[], paint: Paint): Promise<string> {
  return rows.length === 0 ? '' : new Table(columns, paint).page(rows);
}

type AmountColumn = Column<Amount>;

function lineColumns(amount: AmountColumn): Column<SettlementLine__Output>[] {
  return [
    { head: 'AGREEMENT', value: (each) => shortName(each.agreement) },
    { head: 'DEBTOR', value: (each) => partyText(each.debtor) },
    { head: 'CREDITOR', value: (each) => partyText(each.creditor) },
    { head: 'VCPU HOURS', value: (each) => decimal(each.vcpuMillihours, 3), align: 'right' },
    { head: 'MEMORY GIB HOURS', value: (each) => decimal(each.memoryGibMillihours, 3), align: 'right' },
    { head: 'DISK GIB HOURS', value: (each) => decimal(each.diskGibMillihours, 3), align: 'right' },
    amount,
  ];
}

function debtColumns(amount: AmountColumn): Column<SettlementDebt__Output>[] {
  return [
    { head: 'OWES', value: (each) => partyText(each.debtor) },
    { head: 'TO', value: (each) => partyText(each.creditor) },
    amount,
  ];
}

function balanceColumns(amount: AmountColumn): Column<SettlementBalance__Output>[] {
  return [
    { head: 'PARTY', value: (each) => partyText(each.party) },
    { ...amount, head: 'GETS (PAYS)' },
  ];
}

/** Of the lines, in each currency. */
function totals(lines: readonly SettlementLine__Output[], money: Money): string {
  const sums = new Map<string, number>();
  for (const { currency, amountMinor } of lines) sums.set(currency, (sums.get(currency) ?? 0) + amountMinor);
  const texts = [...sums]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([currency, amountMinor]) => money.text({ currency, amountMinor }));
  return `Total of all agreements: ${texts.join(', ')}\n`;
}

/** A row of the file: a line, a debt or a balance, and of which month and journal it is. */
export interface SettlementRow {
  part: 'line' | 'debt' | 'balance';
  agreement?: string;
  creditor?: string;
  debtor?: string;
  party?: string;
  hours?: SettlementLine__Output;
  amount: string;
  currency: string;
}

export function settlementRows(settlement: Settlement__Output): SettlementRow[] {
  const money = new Money(settlement);
  const amountOf = (each: Amount) => ({ amount: money.bare(each), currency: each.currency });
  return [
    ...settlement.lines.map((each) => ({ part: 'line' as const, ...each, hours: each, ...amountOf(each) })),
    ...settlement.debts.map((each) => ({ part: 'debt' as const, ...each, ...amountOf(each) })),
    ...settlement.balances.map((each) => ({ part: 'balance' as const, ...each, ...amountOf(each) })),
  ];
}

export function settlementCsv(settlement: Settlement__Output): CsvColumn<SettlementRow>[] {
  const { month, provisional, sequence, journalHash } = settlement;
  const hours = (thousandths: number | undefined) =>
    thousandths === undefined ? '' : decimal(thousandths, 3);
  return [
    { head: 'month', value: () => month },
    { head: 'provisional', value: () => String(provisional) },
    { head: 'part', value: ({ part }) => part },
    { head: 'agreement', value: ({ agreement = '' }) => agreement },
    { head: 'creditor', value: ({ creditor = '' }) => creditor },
    { head: 'debtor', value: ({ debtor = '' }) => debtor },
    { head: 'party', value: ({ party = '' }) => party },
    { head: 'vcpu_hours', value: (each) => hours(each.hours?.vcpuMillihours) },
    { head: 'memory_gib_hours', value: (each) => hours(each.hours?.memoryGibMillihours) },
    { head: 'disk_gib_hours', value: (each) => hours(each.hours?.diskGibMillihours) },
    { head: 'amount', value: ({ amount }) => amount },
    { head: 'currency', value: ({ currency }) => currency },
    { head: 'sequence', value: () => String(sequence) },
    { head: 'journal_hash', value: () => journalHash },
  ];
}
