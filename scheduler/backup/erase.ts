/** Takes a person out of the record of a stopped scheduler; the chain stays whole, and says where something was erased. */
import { renameSync } from 'node:fs';
import { syncFolder } from '../../proto/durable-folder.js';
import { isNamedIn, type Person, personNamed, tracesOf, withoutPerson } from '../core/audit/person.js';
import { archiveOf } from '../store/sqlite/archive/segments.js';
import { checkStore } from '../store/sqlite/check.js';
import { remedy } from '../store/sqlite/damage.js';
import { strangersIn } from '../store/sqlite/archive/archive-check.js';
import { clearLeftovers, unfinished } from '../store/sqlite/archive/leftovers.js';
import { discardCopies, type ErasedCopies, eraseInCopies } from '../store/sqlite/archive/segment-erase.js';
import { eraseIn, type Erasing, type Erasure } from '../store/sqlite/erase.js';
import { lockFor } from '../store/sqlite/lock.js';
import { BackupError, inWords } from './backup-error.js';
import { toTheEnd } from './drive.js';
import { newestStoreIn } from './newest-store.js';
import type { Drive } from './restore.js';

export interface Erased {
  dataDir: string;
  person: string;
  /** Decisions that do not name the person any more, or would not. */
  decisions: number;
  /** Rows of answers that are kept for calls that are made again, and name the person; they go by themselves. */
  keptAnswers: number;
  /** Files in the archive's folder that are of other histories; they are not altered. */
  notReached: string[];
  /** Whether it was done, and not only looked at. */
  done: boolean;
}

/** @throws BackupError or StoreError when it cannot be done, and nothing was; the message is a whole sentence. */
export async function erase(
  dataDir: string,
  name: string,
  { dryRun }: { dryRun: boolean },
  drive: Drive,
): Promise<Erased> {
  const file = newestStoreIn(dataDir);
  const lock = lockFor(file);
  try {
    const person = personNamed(name, await wholeFederation(file, drive));
    if (person === null) {
      throw new BackupError(
        `"${name}" is nobody's name in the record: say an identity as secovia audit list shows it (operator/PARTNER/ID), or issuer and subject of a portal's user as one word with a space in it`,
      );
    }
    const { lines, keptAnswers } = await eraseEverywhere(file, erasingOf(person, dryRun), drive);
    // From here on a signal cannot undo it.
    if (lines > 0 && !dryRun) await wholeFederation(file, async (steps) => toTheEnd(steps));
    const notReached = strangersIn(file);
    return { dataDir, person: person.name, decisions: lines, keptAnswers, notReached, done: !dryRun };
  } catch (error) {
    throw inWords(error, `cannot erase in ${file}`, 0);
  } finally {
    lock.close();
  }
}

function erasingOf(person: Person, dryRun: boolean): Erasing {
  return {
    dryRun,
    record: person.identity === null ? null : { kind: 'identity', key: person.identity },
    traces: tracesOf(person),
    without: (line) => withoutPerson(line, person),
    isIn: (text) => isNamedIn(text, person),
  };
}

/**
 * In the store and in the files of its archive, of which copies are made before. What is killed between the store and the last of
 * the files is completed when it is said again.
 */
async function eraseEverywhere(file: string, erasing: Erasing, drive: Drive): Promise<Erasure> {
  if (!erasing.dryRun) clearLeftovers(file);
  const copies = await drive(eraseInCopies(file, erasing));
  try {
    const { lines, keptAnswers } = await drive(eraseIn(file, erasing));
    placeCopies(file, copies);
    return { lines: lines + copies.lines, keptAnswers };
  } catch (error) {
    discardCopies(copies);
    throw error;
  }
}

/** Copies take the places of their files. */
function placeCopies(storeFile: string, { files }: ErasedCopies): void {
  for (const file of files) renameSync(`${file}${unfinished}`, file);
  if (files.length > 0) syncFolder(archiveOf(storeFile));
}

/** The name of the federation of a store that is read from beginning to end, and is whole. */
async function wholeFederation(file: string, drive: Drive): Promise<string> {
  const { findings, summary } = await drive(checkStore(file));
  if (summary === null) throw new BackupError(`${file} is damaged: ${findings[0]}; ${remedy(file)}`);
  return summary.federation;
}
