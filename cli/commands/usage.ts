/** `secovia usage`: what VMs used, from when to when, and what it costs. */
import type { UsageSegment__Output } from '../../proto/gen/secovia/v1/UsageSegment.js';
import { defineCommand, flag, option } from '../command.js';
import type { Context } from '../context.js';
import { csvHeader, csvRows } from '../output/csv.js';
import { harmlessJson } from '../output/harmless.js';
import { Table } from '../output/table.js';
import { monthStartMs, parsePointMs, timestampMessage } from '../values/periods.js';
import { UsageTotal, usageColumns, usageCsv } from '../views/usage.js';
import { type AdministrationOption, administrationOf, administrationOption } from '../vm-options.js';

interface Options extends AdministrationOption {
  all?: true;
  /** Milliseconds since 1970. */
  from?: number;
  to?: number;
}

export const usage = defineCommand<Options>({
  usage: 'usage',
  summary: 'Show what VMs used: whose, where, how large, from when to when, and at what cost',
  description:
    'Of one administration and those below it, or of all. A segment is a time in which nothing that counts has changed;\n' +
    'a VM counts from when a host has it until none has it. Costs are those of agreements; other use is free.\n' +
    'What each segment costs is rounded by itself: who owes whom is in secovia settlement.',
  examples: [
    'secovia usage --administration city --from 2026-11-01 --to 2026-12-01',
    'secovia usage --all --from 2026-11 --output csv > november.csv',
  ],
  options: [
    administrationOption(),
    flag('--all', 'of all administrations, whatever SECOVIA_ADMINISTRATION says').conflicts('administration'),
    option('--from <moment>', 'in UTC, e.g. 2026-11-01 (default: the beginning of this month)', parsePointMs),
    option('--to <moment>', 'up to just before it (default: now)', parsePointMs),
  ],
  formats: ['table', 'csv', 'json'],
  async run(context, _args, options) {
    const administration = (options.all ? undefined : administrationOf(context, options)) ?? '';
    const startTime = timestampMessage(options.from ?? monthStartMs(context.nowMs));
    const { readJournal } = await import('../client/journal-reading.js');
    const parts = readJournal(context, 'ReportUsage', {
      administration,
      startTime,
      ...(options.to === undefined ? {} : { endTime: timestampMessage(options.to) }),
    });
    await write[context.format as keyof typeof write](context, pagesOf(parts));
  },
});

type Pages = AsyncIterable<UsageSegment__Output[]>;

async function* pagesOf(
  parts: AsyncIterable<{ segments?: { segments: UsageSegment__Output[] } | null }>,
): Pages {
  for await (const { segments } of parts) if (segments) yield segments.segments;
}

const write = {
  async table(context: Context, pages: Pages): Promise<void> {
    const table = new Table(usageColumns, context.paint);
    const total = new UsageTotal();
    let any = false;
    for await (const page of pages) {
      any = true;
      for (const segment of page) total.add(segment);
      await context.out.write(await table.page(page));
    }
    if (any) await context.out.write(total.text());
    else context.say('nothing was used in that time.');
  },

  async csv(context: Context, pages: Pages): Promise<void> {
    let header = csvHeader(usageCsv);
    for await (const page of pages) {
      await context.out.write(header + csvRows(usageCsv, page));
      header = '';
    }
    await context.out.write(header);
  },

  /** One object with all segments, written as they come. */
  async json(context: Context, pages: Pages): Promise<void> {
    const json = await context.json();
    let before = '{\n  "segments": [';
    let after = ']\n}\n';
    for await (const page of pages) {
      const { segments } = json.response('UsageService', 'ReportUsage', { segments: { segments: page } });
      for (const item of (segments as { segments: object[] }).segments) {
        const text = harmlessJson(JSON.stringify(item, null, 2)).replaceAll('\n', '\n    ');
        await context.out.write(`${before}\n    ${text}`);
        before = ',';
        after = '\n  ]\n}\n';
      }
    }
    await context.out.write(before === ',' ? after : before + after);
  },
};
