/** `secovia audit list`. */
import type { AuditEntry__Output } from '../../../proto/gen/secovia/v1/AuditEntry.js';
import { defineCommand, flag, option } from '../../command.js';
import type { Context } from '../../context.js';
import { harmlessJson } from '../../output/harmless.js';
import { Table } from '../../output/table.js';
import { parsePointMs } from '../../values/periods.js';
import { ValueError } from '../../values/value-error.js';
import { auditColumns } from '../../views/audit.js';

interface Options {
  by?: string;
  method?: string;
  resource?: string;
  request?: string;
  /** Milliseconds since 1970. */
  since?: number;
  until?: number;
  filter?: string;
  limit?: number;
  reports?: true;
}

const usualLimit = 100;
const largestPage = 1000;

export const auditList = defineCommand<Options>({
  usage: 'audit list',
  summary: 'List decisions, the newest first: when, by whom, and what',
  description:
    'What agents report of their hosts are most decisions by far, and are left out unless --reports asks for them.\n' +
    'Calls that were refused are listed too, those that are alike as one, about a minute later.',
  examples: [
    'secovia audit list',
    'secovia audit list --resource administrations/city/vms/web --limit 1000',
    "secovia audit list --filter 'identity:operator AND method:DeleteVm' --since 2026-11-01",
  ],
  options: [
    option('--by <uri>', 'by this identity, e.g. spiffe://balkans/operator/croatia/ana'),
    option('--method <method>', 'by calls of this method, e.g. CreateVm'),
    option('--resource <name>', 'about this resource, by its whole name, e.g. hosts/zagreb-1'),
    option('--request <id>', 'by the call with this request id'),
    option('--since <moment>', 'not before it, in UTC, e.g. 2026-11-01', parsePointMs),
    option('--until <moment>', 'before it', parsePointMs),
    option(
      '--filter <expression>',
      'by identity, on_behalf, method, request_id, sequence, resource:NAME, time >= "2026-11-01T00:00:00Z"',
    ),
    option('--limit <count>', `how many at most (default: ${usualLimit})`, parseLimit),
    flag('--reports', 'also what agents report of their hosts'),
  ],
  async run(context, _args, options) {
    const entries = pagesOf(context, filterOf(options), options.limit ?? usualLimit);
    if (context.format === 'json') return writeJson(context, entries);
    const table = new Table(auditColumns(context.nowMs), context.paint);
    let any = false;
    for await (const page of entries) {
      any = true;
      if (context.format === 'table') await context.out.write(await table.page(page));
      else for (const { sequence } of page) await context.line(String(sequence));
    }
    if (!any && context.format === 'table') context.say('no decision matches.');
  },
});

function parseLimit(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new ValueError('Write a whole number above 0.');
  return Number(text);
}

const reportsOfAgents = 'secovia.v1.AgentService/Link';

function filterOf(options: Options): string {
  const { by, method, resource, request, since, until, filter, reports } = options;
  const parts: string[] = [];
  const add = (field: string, operator: string, value: string | undefined) => {
    if (value !== undefined) parts.push(`${field} ${operator} ${quoted(value)}`);
  };
  add('identity', '=', by);
  add('method', method?.includes('/') === true ? '=' : ':', method);
  add('resource', ':', resource);
  add('request_id', '=', request?.toLowerCase());
  add('time', '>=', momentText(since));
  add('time', '<', momentText(until));
  if (reports !== true && method === undefined) parts.push(`NOT method = ${quoted(reportsOfAgents)}`);
  if (filter !== undefined && filter.trim() !== '') parts.push(`(${filter})`);
  return parts.join(' AND ');
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

function momentText(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}

/** Pages that have something in them; one may be short though more follow, when the scheduler has read for long enough. */
async function* pagesOf(
  context: Context,
  filter: string,
  limit: number,
): AsyncGenerator<AuditEntry__Output[]> {
  const connection = await context.connection();
  let left = limit;
  let pageToken = '';
  do {
    const pageSize = Math.min(left, largestPage);
    const page = await connection.call('AuditService', 'ListAuditEntries', { filter, pageSize, pageToken });
    left -= page.entries.length;
    pageToken = page.nextPageToken;
    if (page.entries.length > 0) yield page.entries;
  } while (pageToken !== '' && left > 0 && !context.out.closed.aborted);
}

/** One object with all entries, written as they come. */
async function writeJson(context: Context, pages: AsyncIterable<AuditEntry__Output[]>): Promise<void> {
  const json = await context.json();
  await context.out.write('{\n  "entries": [');
  let before = '';
  for await (const page of pages) {
    const { entries } = json.response('AuditService', 'ListAuditEntries', { entries: page });
    for (const item of entries as object[]) {
      const text = harmlessJson(JSON.stringify(item, null, 2)).replaceAll('\n', '\n    ');
      await context.out.write(`${before}\n    ${text}`);
      before = ',';
    }
  }
  await context.out.write(before === '' ? ']\n}\n' : '\n  ]\n}\n');
}
