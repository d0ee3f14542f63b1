/** `secovia-scheduler backup`, `restore`, `verify`, `migrate`, `archive` and `erase`: what an operator does with a federation's files. */
import { existsSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import type { Command } from 'commander';
import { storeFileIn } from '../data-folder.js';
import { packageVersion } from '../version.js';
import { addArchive } from './archive-command.js';
import { BackupError } from './backup-error.js';
import { interruptible } from './drive.js';
import { type Common, dataDirOption, ending, outputOption, tell } from './operator-command.js';

export function addBackupCommands(program: Command): void {
  addBackup(program);
  addRestore(program);
  addVerify(program);
  addMigrate(program);
  addArchive(program);
  addErase(program);
}

function addBackup(program: Command): void {
  program
    .command('backup <file>')
    .description('copy everything that the scheduler knows into one file, while it runs or not')
    .addOption(dataDirOption())
    .option('--force', 'take the place of a file that is there')
    .addOption(outputOption())
    .addHelpText(
      'after',
      `
The file holds the journal, all entities and kept answers as of one moment, and the keys and certificates of the data
folder. Everything that was acknowledged before the command began is in it. It is read again from beginning to end before
it gets its name. Of the journal it has what is in the store; files of the archive never change, and are to be kept beside.
Keep it where nobody else reads it: whoever has it can be anybody in the federation.
Exit status: 0 done, 1 refused, and nothing is left behind, 2 wrong usage.`,
    )
    .action((file: string, { dataDir, output, force = false }: Common & { force?: boolean }) =>
      ending(async () => {
        yieldToOthers();
        const { backUp } = await import('./backup.js');
        const { backupJson, backupWords } = await import('./words.js');
        const order = { dataDir, file, force, atMs: Date.now(), version: packageVersion() };
        const backup = await interruptible()(backUp(order));
        tell(
          output,
          () => backupWords(backup),
          () => backupJson(backup),
        );
      }),
    );
}

function addRestore(program: Command): void {
  program
    .command('restore <file>')
    .description('make a data folder of a backup: with a new incarnation, and all sites in recovery')
    .requiredOption('--data-dir <folder>', 'a folder that is empty, or not there')
    .addOption(outputOption())
    .addHelpText(
      'after',
      `
The scheduler that was before must be stopped for good: its agents obey the new incarnation once they have heard of it.
While a site is in recovery agents connect and say what runs there, and nothing is started, deleted, joined or leased; when
you have seen that this is right, say: secovia federation end-recovery SITE
The folder belongs to who says this; give it to the user that the scheduler runs as.
Exit status: 0 done, 1 refused, and the folder is as it was, 2 wrong usage.`,
    )
    .action((file: string, { dataDir, output }: Common) =>
      ending(async () => {
        const { restore } = await import('./restore.js');
        const { restoredJson, restoredWords } = await import('./words.js');
        const restored = await restore(file, dataDir, interruptible());
        tell(
          output,
          () => restoredWords(restored),
          () => restoredJson(restored),
        );
      }),
    );
}

function addVerify(program: Command): void {
  program
    .command('verify <path>')
    .description(
      'read a backup, or the store of a data folder, from beginning to end, and say what is damaged',
    )
    .addOption(outputOption())
    .addHelpText(
      'after',
      `
What a start checks, and the whole journal: that the file is put together right, that each decision follows the one before,
and that each row is as it was written. Of a data folder the files of its archive are read as well; that some are not there
is said, and is no damage. Nothing is changed; a scheduler may be running.
Exit status: 0 whole, 1 damaged or not to be read, 2 wrong usage.`,
    )
    .action((path: string, { output }: Common) =>
      ending(async () => {
        yieldToOthers();
        const { isDamaged, verify } = await import('./verify.js');
        const { verifiedJson, verifiedWords } = await import('./words.js');
        const verified = await verify(path, interruptible());
        tell(
          output,
          () => verifiedWords(verified),
          () => verifiedJson(verified),
        );
        if (isDamaged(verified)) process.exitCode = 1;
      }),
    );
}

function addMigrate(program: Command): void {
  program
    .command('migrate')
    .description(
      'bring the store of a stopped scheduler to the schema of this version, as a start does by itself',
    )
    .addOption(dataDirOption())
    .option('--dry-run', 'say what would be done')
    .option('--no-backup', 'without the backup that is made before; there is no other way back')
    .addOption(outputOption())
    .addHelpText(
      'after',
      `
It is done whole or not at all. An older version of Secovia cannot use the store afterwards; it can use the backup from
before (restore), which is kept in the data folder until you remove it.
Exit status: 0 done or nothing to do, 1 refused, 2 wrong usage.`,
    )
    .action(({ dataDir, output, dryRun = false, backup }: Common & { dryRun?: boolean; backup: boolean }) =>
      ending(async () => {
        if (!existsSync(storeFileIn(dataDir))) {
          throw new BackupError(`there is no federation in ${dataDir}: it has no store`);
        }
        const { migrateFolder } = await import('./migrate.js');
        const { migrationWords } = await import('./words.js');
        const migration = await migrateFolder(dataDir, { dryRun, keepsBackup: backup });
        tell(
          output,
          () => migrationWords(migration),
          () => migration,
        );
      }),
    );
}

function addErase(program: Command): void {
  program
    .command('erase <person>')
    .description('take a person out of the record of a stopped scheduler; the chain stays whole')
    .addOption(dataDirOption())
    .option('--dry-run', 'say what would be done')
    .addOption(outputOption())
    .addHelpText(
      'after',
      `
The person is named as secovia audit list shows it: an identity (operator/adria/marko), or issuer and subject of a portal's
user as one word. The identity has to be deleted before. Who asked becomes "erased" in each decision that names the person, and
what was decided stays; the salt of the decision is dropped, so that nobody can prove or guess what it said, and exports say
that it was erased.
Files of the archive are erased in as well, and have to be there. The store is written anew, for which twice its room is needed for a
while. Not reached: backups and exports from before, logs, and texts in which people wrote a name.
Exit status: 0 done or nothing to do, 1 refused, and nothing was changed, 2 wrong usage.`,
    )
    .action((person: string, { dataDir, output, dryRun = false }: Common & { dryRun?: boolean }) =>
      ending(async () => {
        const { erase } = await import('./erase.js');
        const { erasedWords } = await import('./words.js');
        const erased = await erase(dataDir, person, { dryRun }, interruptible());
        tell(
          output,
          () => erasedWords(erased),
          () => erased,
        );
      }),
    );
}

/** A scheduler that runs beside it comes first. */
const niceness = 10;

function yieldToOthers(): void {
  if (getPriority() < niceness) setPriority(niceness);
}
