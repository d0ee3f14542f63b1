/** `secovia identity create`. */
import { Option } from 'commander';
import { defineCommand, option, repeated } from '../../command.js';
import type { Context } from '../../context.js';
import { Failure, usageFailure } from '../../failure.js';
import { certifying } from '../../identity-files.js';
import { present } from '../../output/present.js';
import { resourceName, shortName } from '../../values/names.js';
import { parseCount } from '../../values/words.js';
import { type RoleWord, roles } from '../../views/identity.js';

interface Options {
  role: RoleWord;
  partner?: string;
  administration?: string;
  serves?: string[];
  title?: string;
  out?: string;
  days?: number;
  signingRequest?: string;
}

export const identityCreate = defineCommand<Options>({
  usage: 'identity create <name>',
  summary: 'Let somebody call: a person or a program, in a role',
  description:
    'With --out its key is made on this machine, and the folder is what --identity and SECOVIA_IDENTITY take. Whoever keeps\n' +
    'the key elsewhere sends a signing request instead. Without either it has no certificate yet: see identity certificate.',
  examples: [
    'secovia identity create ana --role administration-administrator --administration zagreb --out ana',
    'secovia identity create ops --role partner-operator --partner acme --out /media/stick/ops --days 30',
    'secovia identity create web --role portal --serves croatia --signing-request web.csr --out web',
  ],
  options: [
    new Option('--role <role>', 'what it may do').choices(Object.keys(roles)).makeOptionMandatory(),
    option('--partner <partner>', "of a partner's operator", (text) => resourceName('partners', text)),
    option('--administration <administration>', 'of its administrator or user', (text) =>
      resourceName('administrations', text),
    ),
    repeated('--serves <administration>', 'of a portal, with those below it', (text) =>
      resourceName('administrations', text),
    ),
    option('--title <text>', 'a name for people'),
    option('--out <directory>', 'where its key and its certificate go; must not be there yet'),
    option('--days <days>', 'how long the certificate is good (default 90)', parseCount),
    option('--signing-request <path>', 'PKCS#10, PEM or DER, of a key that is kept elsewhere'),
  ],
  async run(context, [word = ''], options) {
    const { role, partner = '', administration = '', serves = [], title = '', out } = options;
    if (out === undefined && (options.days !== undefined || options.signingRequest !== undefined))
      throw usageFailure('--days and --signing-request are about a certificate: say --out as well.');
    const id = shortName(resourceName('identities', word));
    if (out !== undefined) await mustBeFree(out);
    // Before anything is made: what is wrong here leaves nothing behind there.
    const ready = out === undefined ? null : await certifying(out, id, options.signingRequest);
    const connection = await context.connection();
    const made = await connection.mutate('IdentityService', 'CreateIdentity', {
      identityId: id,
      identity: { role: roles[role], partner, administration, serves, title },
    });
    const name = made.identity?.name ?? '';
    if (ready === null) {
      return present(context, {
        service: 'IdentityService',
        method: 'CreateIdentity',
        response: made,
        names: [name],
        text: () =>
          `created identity ${id}; it has no certificate yet: secovia identity certificate ${id} --out DIRECTORY\n`,
      });
    }
    const { days = 0 } = options;
    const { signingRequest, keep } = ready;
    try {
      const response = await connection.mutate('IdentityService', 'IssueCertificate', {
        name,
        signingRequest,
        days,
      });
      keep({ chain: response.certificateChain, authority: response.authority });
      await present(context, {
        service: 'IdentityService',
        method: 'IssueCertificate',
        response,
        names: [name],
        text: () => `created identity ${id}; its credentials are in ${out}\n`,
      });
    } catch (error) {
      sayUnfinished(context, id, out ?? '', error);
      throw error;
    }
  },
});

async function mustBeFree(out: string): Promise<void> {
  const { existsSync } = await import('node:fs');
  if (existsSync(out)) throw usageFailure(`${out} is there already: choose a folder that is not.`);
}

function sayUnfinished(context: Context, id: string, out: string, error: unknown): void {
  if (!(error instanceof Failure)) return;
  context.say(
    `identity ${id} was created without a certificate: try again with secovia identity certificate ${id} --out ${out}.`,
  );
}
