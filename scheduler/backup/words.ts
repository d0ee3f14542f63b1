/** What a backup, a restore or a check has to say, for people and for programs. */
import { schemaWithSums } from '../store/sqlite/schema.js';
import type { Summary } from '../store/sqlite/summary.js';
import { archiveWords } from './archive-words.js';
import type { Backup } from './backup.js';
import type { Erased } from './erase.js';
import type { Migration } from './migrate.js';
import type { Restored } from './restore.js';
import { isDamaged, type Verified } from './verify.js';

export function backupWords({ file, bytes, summary }: Backup): string {
  return `${file} holds ${summaryWords(summary)}, ${sizeWords(bytes)}. It was read again and is whole.
It holds ${keyWords(summary)}: keep it where nobody else reads it.
${archivedWords(summary)}`;
}

function archivedWords({ archived }: Summary): string {
  if (archived === null) return '';
  const { files, last } = archived;
  return `Decisions 1 to ${last} are not in it but in ${count(files, 'file')} of the data folder's archive: keep copies of these beside it.\n`;
}

export function backupJson({ file, bytes, summary }: Backup): object {
  return { file, bytes, ...summaryJson(summary) };
}

export function restoredWords({ dataDir, summary, epoch, sites, missing }: Restored): string {
  const lines = [
    `${dataDir} has ${summaryWords(summary)}. Its next epoch is ${epoch.incarnation}.${epoch.counter + 1}.`,
    'The scheduler that was before must not run any more. What it decided after that is lost, or known to agents alone.',
  ];
  if (sites.length > 0) {
    lines.push(
      `In recovery: ${sites.join(', ')}. Nothing is started, deleted or leased there until you have looked, and say: secovia federation end-recovery SITE`,
    );
  }
  if (missing.length > 0) {
    lines.push(
      `Of its archive ${missing.length === 1 ? 'a file is' : 'files are'} not there: ${missing.join(', ')}. Put copies into ${dataDir}/archive to have what was decided in them; all else works without.`,
    );
  }
  return `${lines.join('\n')}\n`;
}

export function restoredJson({ dataDir, summary, epoch, sites, missing }: Restored): object {
  const { incarnation, counter } = epoch;
  return {
    dataDir,
    ...summaryJson(summary),
    epoch: { incarnation, counter },
    recoveringSites: sites,
    missingOfArchive: missing,
  };
}

export function verifiedWords({ file, findings, summary, remedy, archive }: Verified): string {
  if (summary === null) {
    return `${file} is damaged:\n${findings.map((what) => `  ${what}\n`).join('')}What to do: ${remedy}\n`;
  }
  const without = summary.schema < schemaWithSums ? ' Rows of this version have no checksums.' : '';
  return `${file} is whole, and holds ${summaryWords(summary)}.${without}\n${archive === null ? '' : archiveWords(archive)}`;
}

export function verifiedJson(verified: Verified): object {
  const { file, findings, summary, remedy, archive } = verified;
  return {
    file,
    whole: !isDamaged(verified),
    ...(summary === null ? { findings, remedy } : summaryJson(summary)),
    ...(archive === null ? {} : { archive }),
  };
}

export function migrationWords({ dataDir, from, to, done, backup }: Migration): string {
  if (from === to)
    return `The store in ${dataDir} has schema ${to}, which is the newest; there is nothing to do.\n`;
  if (!done) return `The store in ${dataDir} has schema ${from}, and would be brought to ${to}.\n`;
  const kept =
    backup === null ? '' : ` A backup from before is in ${backup}; remove it when you need it no more.`;
  return `The store in ${dataDir} was brought from schema ${from} to ${to}.${kept}\n`;
}

export function erasedWords({ person, decisions, keptAnswers, notReached, done }: Erased): string {
  if (decisions === 0) return `No decision names ${person}; there is nothing to do.\n`;
  const named = count(decisions, 'decision');
  if (!done) return `${person} would be erased from ${named}.\n`;
  const kept =
    keptAnswers === 0
      ? ''
      : ' Answers that are kept for calls that are made again still name the person, for at most a day of running.';
  return `${person} was erased from ${named}. The store was read again and is whole.${kept}
Backups and exports from before still name the person, and so may logs: end them as your rules say.
${notReached.length === 0 ? '' : `So may files of other histories in the archive's folder: ${notReached.join(', ')}.\n`}`;
}

/** What a store or a backup holds. */
export function summaryWords({ federation, sequence, lastMs, vms, hosts }: Summary): string {
  if (sequence === 0) return 'no decision yet';
  const at = new Date(lastMs).toISOString();
  return `federation ${federation} as of decision ${sequence} (${at}): ${count(vms, 'VM')}, ${count(hosts, 'host')}`;
}

export function summaryJson({ backup, lastMs, ...rest }: Summary): object {
  const made =
    backup === null
      ? null
      : { at: new Date(backup.atMs).toISOString(), version: backup.version, files: backup.files };
  return { ...rest, decidedAt: new Date(lastMs).toISOString(), backup: made };
}

function keyWords({ backup }: Summary): string {
  const files = backup?.files ?? [];
  if (files.includes('authority/authority.key')) return 'the key of the federation’s authority';
  return files.length > 0 ? 'the key that signs checkpoints' : 'hashes of tokens';
}

export function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

export function sizeWords(bytes: number): string {
  if (bytes < 2 ** 20) return `${Math.ceil(bytes / 2 ** 10)} KiB`;
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}
