/** `secovia events`: what has happened to hosts and VMs, and what happens. */
import type { Event__Output } from '../../proto/gen/secovia/v1/Event.js';
import { defineCommand, flag, option } from '../command.js';
import type { Context } from '../context.js';
import { harmless, harmlessJson } from '../output/harmless.js';
import { Table } from '../output/table.js';
import { resourceName, vmName } from '../values/names.js';
import { parsePointMs } from '../values/periods.js';
import { ValueError } from '../values/value-error.js';
import { who } from '../views/audit.js';
import { administrationOf } from '../vm-options.js';
import { eventColumns, eventId, eventText, eventTime } from '../views/event.js';

interface Options {
  vm?: string;
  host?: string;
  site?: string;
  administration?: string;
  code?: string;
  /** Milliseconds since 1970. */
  since?: number;
  until?: number;
  filter?: string;
  limit?: number;
  oldestFirst?: true;
  watch?: true;
}

const usualLimit = 100;
const largestPage = 1000;

export const events = defineCommand<Options>({
  usage: 'events',
  summary: 'List what has happened to hosts and VMs, the newest first, or watch it happen',
  description:
    'In words, from the journal: what happened, by whose word, and when. Who decided what and what proves it is in secovia audit.\n' +
    '--watch shows each event as it happens, until Ctrl-C; a lost connection is taken up where it broke.\n' +
    'With --watch, --output json gives one JSON object a line.',
  examples: [
    'secovia events --vm city/web',
    'secovia events --host zagreb-1 --since 2026-11-01 --oldest-first',
    'secovia events --site zagreb --watch',
    'secovia events --code HOST_STATE --limit 20',
  ],
  options: [
    option(
      '--vm <vm>',
      'of this VM; of one that is gone, by its UUID, for auditors and federation administrators',
    ).conflicts(['host', 'site']),
    option('--host <host>', 'of this host and the VMs on it', (text) =>
      resourceName('hosts', text),
    ).conflicts(['site', 'administration']),
    option('--site <site>', 'of this site, its hosts and the VMs on them', (text) =>
      resourceName('sites', text),
    ).conflicts('administration'),
    option('-A, --administration <administration>', 'of it and those below it, or whose VM --vm is', (text) =>
      resourceName('administrations', text),
    ),
    option('--code <code>', 'of this kind, e.g. VM_PLACED, VM_OBSERVED, HOST_STATE'),
    option('--since <moment>', 'not before it, in UTC, e.g. 2026-11-01', parsePointMs).conflicts('watch'),
    option('--until <moment>', 'before it', parsePointMs).conflicts('watch'),
    option('--filter <expression>', 'by code, identity, sequence, time >= "2026-11-01T00:00:00Z"'),
    option('--limit <count>', `how many at most (default: ${usualLimit})`, parseLimit).conflicts('watch'),
    flag('--oldest-first', 'from the beginning on').conflicts('watch'),
    flag('--watch', 'from now on, each as it happens'),
  ],
  async run(context, _args, options) {
    const about = aboutOf(context, options);
    const filter = filterOf(options);
    if (options.watch === true) return watch(context, about, filter);
    const pages = pagesOf(context, about, filter, options);
    if (context.format === 'json') return writeJson(context, pages);
    const table = new Table(eventColumns, context.paint);
    let any = false;
    for await (const page of pages) {
      any = true;
      if (context.format === 'table') await context.out.write(await table.page(page));
      else for (const event of page) await context.line(eventId(event));
    }
    if (!any && context.format === 'table') context.say('nothing of it has happened.');
  },
});

function parseLimit(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new ValueError('Write a whole number above 0.');
  return Number(text);
}

function aboutOf(context: Context, options: Options): string {
  const { vm, host, site, administration } = options;
  if (vm === undefined) return host ?? site ?? administration ?? '';
  return vmName(vm, administrationOf(context, options));
}

function filterOf({ code, since, until, filter }: Options): string {
  const parts: string[] = [];
  if (code !== undefined) parts.push(`code = "${code.toUpperCase().replace(/["\\]/g, '\\$&')}"`);
  if (since !== undefined) parts.push(`time >= "${new Date(since).toISOString()}"`);
  if (until !== undefined) parts.push(`time < "${new Date(until).toISOString()}"`);
  if (filter !== undefined && filter.trim() !== '') parts.push(`(${filter})`);
  return parts.join(' AND ');
}

/** Pages that have something in them; one may be short though more follow, when the scheduler has read for long enough. */
async function* pagesOf(
  context: Context,
  about: string,
  filter: string,
  { limit = usualLimit, oldestFirst }: Options,
): AsyncGenerator<Event__Output[]> {
  const connection = await context.connection();
  const order = oldestFirst === true ? 'EVENT_ORDER_OLDEST_FIRST' : 'EVENT_ORDER_NEWEST_FIRST';
  let left = limit;
  let pageToken = '';
  do {
    const pageSize = Math.min(left, largestPage);
    const request = { about, filter, order, pageSize, pageToken } as const;
    const page = await connection.call('EventService', 'ListEvents', request);
    left -= page.events.length;
    pageToken = page.nextPageToken;
    if (page.events.length > 0) yield page.events;
  } while (pageToken !== '' && left > 0 && !context.out.closed.aborted);
}

/** One object with all events, written as they come. */
async function writeJson(context: Context, pages: AsyncIterable<Event__Output[]>): Promise<void> {
  const json = await context.json();
  await context.out.write('{\n  "events": [');
  let before = '';
  for await (const page of pages) {
    const { events: items } = json.response('EventService', 'ListEvents', { events: page });
    for (const item of items as object[]) {
      const text = harmlessJson(JSON.stringify(item, null, 2)).replaceAll('\n', '\n    ');
      await context.out.write(`${before}\n    ${text}`);
      before = ',';
    }
  }
  await context.out.write(before === '' ? ']\n}\n' : '\n  ]\n}\n');
}

async function watch(context: Context, about: string, filter: string): Promise<void> {
  const { watching } = await import('../client/watch.js');
  for await (const message of watching(context, 'EventService', 'WatchEvents', { about, filter })) {
    for (const event of message.events) await show(context, event);
  }
}

async function show(context: Context, event: Event__Output): Promise<void> {
  switch (context.format) {
    case 'json': {
      const json = await context.json();
      const { events: items } = json.response('EventService', 'ListEvents', { events: [event] });
      return context.writeJson((items as object[])[0] as object, 0);
    }
    case 'name':
      return context.line(eventId(event));
    case 'table': {
      const words = [eventTime(event), who(event), eventText(event)];
      return context.line(words.map(harmless).join('  '));
    }
  }
}
