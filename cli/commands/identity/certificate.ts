/** `secovia identity certificate`. */
import { defineCommand, option } from '../../command.js';
import { certifying } from '../../identity-files.js';
import { present } from '../../output/present.js';
import { resourceName, shortName } from '../../values/names.js';
import { parseCount } from '../../values/words.js';

interface Options {
  out: string;
  days?: number;
  signingRequest?: string;
}

export const identityCertificate = defineCommand<Options>({
  usage: 'identity certificate <identity>',
  summary: 'Give an identity a certificate, or renew the one that it has',
  description:
    'A folder that is not there is made, with a new key. In a folder with credentials of this identity the certificate is\n' +
    'renewed, and the key stays. Everybody may renew their own; certificates that were given before stay good until they end\n' +
    'or are revoked.',
  examples: [
    'secovia identity certificate ana --out ~/.config/secovia',
    'secovia identity certificate ops --out ops-2 --days 30',
    'secovia identity certificate web --signing-request web.csr --out web',
  ],
  options: [
    option('--out <directory>', 'where key and certificate go, or are').makeOptionMandatory(),
    option('--days <days>', 'how long it is good (default 90)', parseCount),
    option('--signing-request <path>', 'PKCS#10, PEM or DER, of a key that is kept elsewhere'),
  ],
  async run(context, [word = ''], { out, days = 0, signingRequest: file }) {
    const name = resourceName('identities', word);
    const { signingRequest, keep } = await certifying(out, shortName(name), file);
    const connection = await context.connection();
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
      text: () => `the certificate of ${shortName(name)} is in ${out}\n`,
    });
  },
});
