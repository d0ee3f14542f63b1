/** `secovia settlement`: who owes whom for a month. */
import { defineCommand, option } from '../command.js';
import { exitCodes, Failure } from '../failure.js';
import { csvHeader, csvRows } from '../output/csv.js';
import { parseMonth } from '../values/periods.js';
import { settlementCsv, settlementRows, settlementText } from '../views/settlement.js';

interface Options {
  month: string;
}

export const settlement = defineCommand<Options>({
  usage: 'settlement',
  summary: 'Settle a month: what each agreement comes to, and who owes whom',
  description:
    'Worked out from the journal alone: the same journal gives the same amounts, whoever asks. Each line is rounded once,\n' +
    'half to even; debts are netted between each two parties, and what all get and pay adds up to zero.\n' +
    'A month (of UTC) that is not over yet is provisional.',
  examples: [
    'secovia settlement --month 2026-11',
    'secovia settlement --month 2026-11 --output csv > 2026-11.csv',
  ],
  options: [option('--month <month>', 'e.g. 2026-11', parseMonth).makeOptionMandatory()],
  formats: ['table', 'csv', 'json'],
  async run(context, _args, { month }) {
    const { readJournal } = await import('../client/journal-reading.js');
    for await (const response of readJournal(context, 'SettleMonth', { month })) {
      const { settlement: settled } = response;
      if (!settled) continue;
      switch (context.format) {
        case 'json':
          return context.writeJson((await context.json()).response('UsageService', 'SettleMonth', response));
        case 'csv': {
          const columns = settlementCsv(settled);
          return context.out.write(csvHeader(columns) + csvRows(columns, settlementRows(settled)));
        }
        default:
          return context.out.write(await settlementText(settled, context.paint));
      }
    }
    if (context.out.closed.aborted) return;
    throw new Failure('the scheduler ended the answer before the settlement came.', exitCodes.unexpected);
  },
});
