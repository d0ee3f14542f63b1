/**
 * How every command gives its result, in the three formats: the answer as proto3 JSON, the names alone, or text for
 * people. Lists are written page by page, as they arrive.
 */
import type { Method, RequestOf, ResponseOf, Service } from '../client/services.js';
import type { Context } from '../context.js';
import { harmless, harmlessJson } from './harmless.js';
import { type Column, Table } from './table.js';

/** What a method answered, and how it reads. */
export interface Answer<S extends Service, M extends Method<S>> {
  service: S;
  method: M;
  response: ResponseOf<S, M>;
  /** The contract's names of what it is about. */
  names: readonly string[];
  /** Whole lines for people. */
  text: () => string | Promise<string>;
}

export async function present<S extends Service, M extends Method<S>>(
  context: Context,
  answer: Answer<S, M>,
): Promise<void> {
  switch (context.format) {
    case 'json': {
      const json = await context.json();
      return context.writeJson(json.response(answer.service, answer.method, answer.response));
    }
    case 'name':
      for (const name of answer.names) await context.line(harmless(name));
      return;
    case 'table':
      return context.out.write(await answer.text());
  }
}

/** The largest page the contract gives. */
const pageSize = 1000;

interface Page {
  nextPageToken: string;
}

/** The pages of a list method, one after another, until the last or until nobody reads any more. */
export async function* pages<S extends Service, M extends Method<S>>(
  context: Context,
  service: S,
  method: M,
  request: Omit<RequestOf<S, M>, 'pageSize' | 'pageToken'>,
): AsyncGenerator<ResponseOf<S, M>> {
  const connection = await context.connection();
  let pageToken = '';
  do {
    const page = await connection.call(service, method, { ...request, pageSize, pageToken } as RequestOf<
      S,
      M
    >);
    yield page;
    pageToken = (page as Page).nextPageToken;
  } while (pageToken !== '' && !context.out.closed.aborted);
}

export interface Listing<S extends Service, M extends Method<S>, Row extends { name: string }> {
  service: S;
  method: M;
  request: Omit<RequestOf<S, M>, 'pageSize' | 'pageToken'>;
  /** The key of the rows in the answer. */
  key: string & keyof ResponseOf<S, M>;
  rows: (page: ResponseOf<S, M>) => Row[];
  columns: Column<Row>[];
  /** What to say to a person when there is nothing. */
  none: string;
  /** Hears of each page, whatever the format. */
  seen?: (page: ResponseOf<S, M>) => void;
}

export async function list<S extends Service, M extends Method<S>, Row extends { name: string }>(
  context: Context,
  listing: Listing<S, M, Row>,
): Promise<void> {
  const all = heard(pages(context, listing.service, listing.method, listing.request), listing.seen);
  if (context.format === 'json') return listJson(context, listing, all);
  const table = new Table(listing.columns, context.paint);
  let count = 0;
  for await (const page of all) {
    const rows = listing.rows(page);
    count += rows.length;
    if (rows.length === 0) continue;
    if (context.format === 'table') await context.out.write(await table.page(rows));
    else for (const row of rows) await context.line(harmless(row.name));
  }
  if (count === 0 && context.format === 'table') context.say(listing.none);
}

async function* heard<P>(all: AsyncIterable<P>, seen: ((page: P) => void) | undefined): AsyncGenerator<P> {
  for await (const page of all) {
    seen?.(page);
    yield page;
  }
}

/** One object like the answer, with the rows of all pages, written as they come. */
async function listJson<S extends Service, M extends Method<S>, Row extends { name: string }>(
  context: Context,
  { service, method, key }: Listing<S, M, Row>,
  all: AsyncGenerator<ResponseOf<S, M>>,
): Promise<void> {
  const json = await context.json();
  let opened = false;
  let first = true;
  for await (const page of all) {
    const items = json.response(service, method, page)[key];
    if (!opened) await context.out.write(`{\n  ${JSON.stringify(key)}: [`);
    opened = true;
    for (const item of Array.isArray(items) ? items : []) {
      const text = harmlessJson(JSON.stringify(item, null, 2)).replaceAll('\n', '\n    ');
      await context.out.write(`${first ? '' : ','}\n    ${text}`);
      first = false;
    }
  }
  await context.out.write(first ? ']\n}\n' : '\n  ]\n}\n');
}
