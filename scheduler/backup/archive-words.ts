/** What is said of archived decisions, for people and for programs. */
import { basename } from 'node:path';
import type { CheckedArchive } from '../store/sqlite/archive/archive-check.js';
import type { Archived } from './archive.js';
import { count, sizeWords } from './words.js';

export function archivedWords({ dataDir, moved, room, done }: Archived): string {
  if (moved === null) {
    return `Nothing in ${dataDir} can be archived: the newest decisions, by which a start goes, stay in the store.\n`;
  }
  const { file, first, last, rows, bytes, toMs } = moved;
  const what = `Decisions ${first} to ${last} (${count(rows, 'commit')}, the last of ${moment(toMs)})`;
  if (!done) return `${what} would go to ${file}, about ${sizeWords(bytes)}.\n`;
  return `${what} are in ${file}, ${sizeWords(bytes)}. It was read again and is whole.
${roomWords(room)}Backups do not have this file: keep a copy of it beside them.
`;
}

function roomWords(room: Archived['room']): string {
  if (room === null) return '';
  if (room.given > 0) return `The store is ${sizeWords(room.given)} smaller. `;
  return room.free > 0 ? `In the store ${sizeWords(room.free)} are free, and are written to next. ` : '';
}

export function archivedJson({ dataDir, moved, room, done }: Archived): object {
  if (moved === null) return { dataDir, moved: null, room: null, done };
  const { file, first, last, rows, bytes, toMs } = moved;
  return { dataDir, moved: { file, first, last, rows, bytes, to: moment(toMs) }, room, done };
}

/** What `verify` saw beside a store; nothing where there is nothing. */
export function archiveWords({ whole, missing, strange, findings }: CheckedArchive): string {
  const lines = findings.map(({ file, what }) => `${file} is damaged: ${what}; put back a copy of it.`);
  if (whole.length > 0) {
    lines.push(`${count(whole.length, 'file')} of its archive ${areWhole(whole)}.`);
  }
  if (missing.length > 0) {
    lines.push(`Not there: ${missing.join(', ')}. What was decided in it cannot be read.`);
  }
  if (strange.length > 0) lines.push(`Of other histories, and not looked at: ${strange.join(', ')}.`);
  return lines.map((line) => `${line}\n`).join('');
}

function areWhole(names: readonly string[]): string {
  const [first, last] = [names[0] ?? '', names.at(-1) ?? ''].map((name) => basename(name));
  return names.length === 1 ? `is whole (${first})` : `are whole (${first} to ${last})`;
}

function moment(ms: number): string {
  return new Date(ms).toISOString();
}
