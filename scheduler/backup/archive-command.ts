/** `secovia-scheduler archive`. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { interruptible } from './drive.js';
import { type Common, dataDirOption, ending, outputOption, tell } from './operator-command.js';

interface ArchiveWords extends Common {
  before?: number;
  keepDays?: number;
  dryRun?: boolean;
}

export function addArchive(program: Command): void {
  program
    .command('archive')
    .description(
      'move the oldest decisions of a stopped scheduler out of its store, into a file of their own',
    )
    .addOption(dataDirOption())
    .addOption(
      new Option('--before <date>', 'what was committed before this day or moment, in UTC')
        .argParser(momentOf)
        .conflicts('keepDays'),
    )
    .addOption(new Option('--keep-days <number>', 'what was committed longer ago').argParser(daysOf))
    .option('--dry-run', 'say what would be done')
    .addOption(outputOption())
    .addHelpText(
      'after',
      `
The file goes into the folder archive within the data folder (archive/journal-FIRST-LAST.sqlite), and everything that reads
decisions goes on reading them there: audit, events, usage and settlements, verify, erase. A file may be moved elsewhere
or deleted: what needs it is then refused by its name until it is back, and what came after it is as before. Backups do
not have these files; keep copies of them beside. The newest thousand commits stay in the store in any case.
A store of which a quarter is free afterwards is made smaller, for which twice the room of what is left is needed for a while.
Exit status: 0 done or nothing to do, 1 refused, and nothing was changed, 2 wrong usage.`,
    )
    .action(({ dataDir, output, before, keepDays, dryRun = false }: ArchiveWords, command: Command) => {
      const beforeMs = before ?? (keepDays === undefined ? null : Date.now() - keepDays * dayMs);
      if (beforeMs === null) command.error('error: say --before DATE or --keep-days NUMBER', { exitCode: 2 });
      return ending(async () => {
        const { archive } = await import('./archive.js');
        const { archivedJson, archivedWords } = await import('./archive-words.js');
        const archived = await archive(dataDir, { beforeMs, dryRun }, interruptible());
        tell(
          output,
          () => archivedWords(archived),
          () => archivedJson(archived),
        );
      });
    });
}

const dayMs = 24 * 3_600_000;

function momentOf(text: string): number {
  const isMoment = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?Z)?$/.test(text);
  const ms = isMoment ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms)) throw new InvalidArgumentError('It must be like 2026-10-01 or 2026-10-01T06:00Z.');
  return ms;
}

function daysOf(text: string): number {
  const days = Number(text);
  if (!/^\d{1,6}$/.test(text) || days < 1)
    throw new InvalidArgumentError('It must be a whole number from 1 to 999999.');
  return days;
}
