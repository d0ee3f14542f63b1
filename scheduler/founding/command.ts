/** `secovia-scheduler init` and `administrator`: what is done beside the scheduler, on its machine, and not over the API. */
import { type Command, InvalidArgumentError } from 'commander';
import { federationName } from '../config.js';
import { dataDirDefault } from '../data-folder.js';

interface InitOptions {
  dataDir: string;
  federation: string;
  admin: string;
  out: string;
  authorityCertificate?: string;
  authorityKey?: string;
}

export function addInitCommand(program: Command): void {
  program
    .command('init')
    .description('found a federation: its certificate authority, and the first federation administrator')
    .option('--data-dir <folder>', 'where the scheduler keeps what it knows', dataDirDefault)
    .requiredOption('--federation <name>', 'the name, which stays for ever: certificates carry it', named)
    .requiredOption('--admin <name>', 'the first administrator', named)
    .requiredOption('--out <folder>', 'a new folder for the administrator’s credentials')
    .option(
      '--authority-certificate <file>',
      'an intermediate to sign with, PEM, then those above it up to the root',
    )
    .option('--authority-key <file>', 'its key, EC P-256 or P-384, PEM without a passphrase')
    .addHelpText(
      'after',
      `
The administrator takes the folder to where secovia is used, as ~/.config/secovia or with --identity.
If it is interrupted, repeat it with the same words. A root that is given should sign for this federation alone.
Make backups (secovia-scheduler backup FILE): without the authority in the data folder nobody new can come in.
Exit status: 0 done, 1 refused, 2 wrong usage.`,
    )
    .action(async ({ dataDir, admin, out, federation, authorityCertificate, authorityKey }: InitOptions) => {
      if ((authorityCertificate === undefined) !== (authorityKey === undefined)) {
        program.error('error: --authority-certificate and --authority-key belong together', { exitCode: 2 });
      }
      const given =
        authorityCertificate === undefined || authorityKey === undefined
          ? null
          : { certificates: authorityCertificate, key: authorityKey };
      await ending(async ({ found }) => {
        const uri = await found({ dataDir, federation, name: admin, out, given });
        return `Federation ${federation} is founded in ${dataDir}. The credentials of ${uri} are in ${out}.`;
      });
    });
}

interface AdministratorOptions {
  dataDir: string;
  out: string;
}

export function addAdministratorCommand(program: Command): void {
  program
    .command('administrator')
    .argument('<name>', 'a federation administrator, new or known', named)
    .description(
      'while the scheduler is stopped: certify an administrator, for when nobody can come in any more',
    )
    .option('--data-dir <folder>', 'where the scheduler keeps what it knows', dataDirDefault)
    .requiredOption('--out <folder>', 'a new folder for the credentials')
    .addHelpText('after', '\nExit status: 0 done, 1 refused, 2 wrong usage.')
    .action(async (name: string, { dataDir, out }: AdministratorOptions) => {
      await ending(async ({ addAdministrator }) => {
        const uri = await addAdministrator({ dataDir, name, out });
        return `The credentials of ${uri} are in ${out}; certificates it had before are as good as they were.`;
      });
    });
}

/** Errors whose message is all that an operator needs. */
const explained = new Set(['FoundingError', 'AuthorityError', 'StoreError']);

async function ending(work: (founding: typeof import('./founding.js')) => Promise<string>): Promise<void> {
  try {
    const sentence = await work(await import('./founding.js'));
    process.stdout.write(`${sentence}\n`);
  } catch (error) {
    const { name, message, code } = error as NodeJS.ErrnoException;
    if (!explained.has(name) && code === undefined) throw error;
    process.stderr.write(`secovia-scheduler: ${message}\n`);
    process.exitCode = 1;
  }
}

function named(text: string): string {
  if (!federationName.test(text)) {
    throw new InvalidArgumentError(
      'It must be lower-case letters, digits and hyphens, starting with a letter.',
    );
  }
  return text;
}
