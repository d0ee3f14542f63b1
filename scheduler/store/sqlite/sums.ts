/**
 * Checksums of what the journal's chain does not cover: entities, kept answers, checkpoints and `meta`. They tell bytes that
 * a disk has changed, in a row of its own so that it can be named; they are no defence against whoever can write the file.
 * A sum begins with what the row is found by, so a row in another's place is noticed too.
 */
import { crc32 } from 'node:zlib';

export type Bytes = string | Uint8Array;

/** Goes on from a sum. Of nothing zlib makes zero or that sum, depending on where in memory there is nothing. */
function summed(bytes: Bytes, sum: number): number {
  return bytes.length === 0 ? sum : crc32(bytes, sum);
}

/** Of a row that is found by its number. */
export function rowSum(row: number, body: Bytes): number {
  return summed(body, row >>> 0);
}

/** Of an entity that is found by kind and key. */
export function entitySum(kind: string, key: string, body: Bytes): number {
  return summed(body, summed(`${kind}/${key}`, 0));
}

export function metaSum(key: string, value: string): number {
  return summed(value, summed(key, 0));
}

/** Of the entries, or of the answers, that one batch keeps. */
export function keptSum(first: number, last: number, part: Bytes): number {
  return summed(part, summed(`${first} ${last}`, 0));
}

export function checkpointSum(
  sequence: number,
  incarnation: number,
  atMs: number,
  hash: Uint8Array,
  signature: Uint8Array,
): number {
  return summed(signature, summed(hash, summed(`${sequence} ${incarnation} ${atMs}`, 0)));
}

/** Of what a store knows of a part of the journal that was archived. */
export function archivedSum(
  fields: readonly (number | string | null)[],
  before: Uint8Array,
  hash: Uint8Array,
): number {
  return summed(hash, summed(before, summed(JSON.stringify(fields), 0)));
}

/** Of a file that a backup has beside the store. */
export function fileSum(path: string, content: Uint8Array): number {
  return summed(content, summed(path, 0));
}

/** Tables that hold entities. */
export const entityTables = ['entity', 'vm', 'operation'] as const;
export type EntityTable = (typeof entityTables)[number];

/** How many rows a table has, and all their sums by exclusive or: tells rows that are gone, and those of another time. */
export type TableStamp = [rows: number, sums: number];
export type EntitiesStamp = Record<EntityTable, TableStamp>;

/** The key in `meta` of the stamp, as JSON. */
export const entitiesStamp = 'entities_stamp';

export function emptyStamp(): EntitiesStamp {
  return { entity: [0, 0], vm: [0, 0], operation: [0, 0] };
}

/** A row comes, changes or goes; null where there is none. */
export function restamp(stamp: TableStamp, before: number | null, after: number | null): void {
  stamp[0] += (after === null ? 0 : 1) - (before === null ? 0 : 1);
  stamp[1] = (stamp[1] ^ (before ?? 0) ^ (after ?? 0)) >>> 0;
}
