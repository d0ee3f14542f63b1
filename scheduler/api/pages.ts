/**
 * Listings in pages. A token says where the next page begins and for which question it was given, so that it cannot
 * be used for another.
 */
import { createHash } from 'node:crypto';
import type { Fields } from './fields.js';

export const defaultPageSize = 100;
export const largestPageSize = 1000;
/** A page ends when it is about as large as this: many clients take no message of more than 4 MiB. */
const fullPageBytes = 2 * 2 ** 20;
/** What a row takes besides its texts and lists, about. */
const rowBytes = 1000;

export interface Page {
  size: number;
  /** Where the page before ended, or null for the first. */
  after: string | null;
  token(last: string): string;
}

/** `question` is everything but the page that a listing was asked: parent and filter. */
export function pageOf(
  fields: Fields,
  request: { pageSize: number; pageToken: string },
  question: string,
): Page {
  if (request.pageSize < 0) fields.fault('page_size', `${request.pageSize} must not be negative`);
  const size = Math.min(request.pageSize || defaultPageSize, largestPageSize);
  const mark = createHash('sha256').update(`page\n${question}`).digest('base64url').slice(0, 12);
  let after: string | null = null;
  if (request.pageToken !== '') {
    after = readToken(request.pageToken, mark);
    if (after === null) {
      fields.fault('page_token', 'is not a token of this listing; begin again without one');
    }
  }
  return {
    size,
    after,
    token: (last) => Buffer.from(JSON.stringify([mark, last])).toString('base64url'),
  };
}

function readToken(token: string, mark: string): string | null {
  if (token.length > 1000) return null;
  try {
    const parsed: unknown = JSON.parse(Buffer.from(token, 'base64url').toString());
    if (!Array.isArray(parsed) || parsed.length !== 2 || parsed[0] !== mark) return null;
    return typeof parsed[1] === 'string' ? parsed[1] : null;
  } catch {
    return null;
  }
}

/** Counts what a page holds. */
export class PageFill {
  #rows = 0;
  #bytes = 0;

  constructor(private readonly size: number) {}

  /** Whether another row fits; the first always does. */
  get isFull(): boolean {
    return this.#rows === this.size || this.#bytes > fullPageBytes;
  }

  /** `bytes` is about what the texts and lists of a row take. */
  add(bytes: number): void {
    this.#rows += 1;
    this.#bytes += rowBytes + bytes;
  }
}

/** How long one page may look for rows, so that a filter that matches little does not hold the loop. */
const pageTimeMs = 10;
/** Rows between two looks at the clock. */
const rowsBetweenLooks = 256;

export class PageTime {
  readonly #untilMs = performance.now() + pageTimeMs;
  #rows = 0;

  /** To be asked for each row that is looked at. */
  isOver(): boolean {
    this.#rows += 1;
    return this.#rows % rowsBetweenLooks === 0 && performance.now() > this.#untilMs;
  }
}

/**
 * A page of a collection that is large, and given in the order of ids from after where the page before ended. When it
 * takes long to find what matches, the page ends before it is full.
 */
export function pageInOrder<T extends { id: string }>(
  page: Page,
  ordered: Iterable<T>,
  matches: (entity: T) => boolean,
  bytesOf: (entity: T) => number,
): { items: T[]; nextPageToken: string } {
  const items: T[] = [];
  const fill = new PageFill(page.size);
  const time = new PageTime();
  for (const item of ordered) {
    if (matches(item)) {
      if (fill.isFull) return { items, nextPageToken: page.token((items.at(-1) as T).id) };
      items.push(item);
      fill.add(bytesOf(item));
    }
    if (time.isOver()) return { items, nextPageToken: page.token(item.id) };
  }
  return { items, nextPageToken: '' };
}

/** A page of a collection without an order of its own, by id. `bytesOf` is about what the large parts of an entity take. */
export function pageById<T extends { id: string }>(
  page: Page,
  all: Iterable<T>,
  matches: (entity: T) => boolean,
  bytesOf: (entity: T) => number = () => 0,
): { items: T[]; nextPageToken: string } {
  const { after } = page;
  const next = firstById(all, page.size + 1, (item) => (after === null || item.id > after) && matches(item));
  const items: T[] = [];
  const fill = new PageFill(page.size);
  for (const item of next) {
    if (fill.isFull) break;
    items.push(item);
    fill.add(bytesOf(item));
  }
  const more = items.length < next.length;
  return { items, nextPageToken: more ? page.token((items.at(-1) as T).id) : '' };
}

/**
 * The first so many that match, by id. A collection of 50,000 is gone through for each of its pages; it is not also
 * sorted for each of them.
 */
export function firstById<T extends { id: string }>(
  all: Iterable<T>,
  count: number,
  matches: (entity: T) => boolean,
): T[] {
  const first = new FirstById<T>(count);
  for (const item of all) if (first.wants(item.id) && matches(item)) first.add(item);
  return first.items();
}

/** Keeps the first so many of what comes in any order. */
export class FirstById<T extends { id: string }> {
  readonly #found: T[] = [];
  /** What comes after it is not among the first. */
  #bar: string | undefined;

  constructor(private readonly count: number) {}

  /** False for what is not among the first whatever comes. */
  wants(id: string): boolean {
    return this.#bar === undefined || id <= this.#bar;
  }

  add(item: T): void {
    if (!this.wants(item.id)) return;
    this.#found.push(item);
    if (this.#found.length < 2 * this.count) return;
    this.#keepFirst();
    this.#bar = this.#found.at(-1)?.id;
  }

  items(): T[] {
    this.#keepFirst();
    return this.#found;
  }

  #keepFirst(): void {
    this.#found.sort((a, b) => (a.id < b.id ? -1 : 1)).splice(this.count);
  }
}
