/** `secovia identity revoke`. */
import { defineCommand, flag, repeated } from '../../command.js';
import { usageFailure } from '../../failure.js';
import { present } from '../../output/present.js';
import { resourceName, shortName } from '../../values/names.js';
import { ValueError } from '../../values/value-error.js';

interface Options {
  serial?: string[];
  all?: true;
}

export const identityRevoke = defineCommand<Options>({
  usage: 'identity revoke <identity>',
  summary: 'Refuse certificates of an identity from now on',
  description:
    'Connections that are open are refused too. The identity stays, and can be given another certificate: see identity\n' +
    'certificate. The serials are shown by identity show.',
  examples: ['secovia identity revoke ana --all', 'secovia identity revoke ana --serial 3f9c0a'],
  options: [
    repeated('--serial <serial>', 'of a certificate, hexadecimal', parseSerial),
    flag('--all', 'all of its certificates').conflicts('serial'),
  ],
  async run(context, [word = ''], { serial: serials = [], all }) {
    if (serials.length === 0 && all !== true)
      throw usageFailure('which certificates? Say --serial SERIAL, or --all.');
    const connection = await context.connection();
    const response = await connection.mutate('IdentityService', 'RevokeCertificates', {
      name: resourceName('identities', word),
      serials,
    });
    const name = response.identity?.name ?? '';
    const which = all === true ? 'all certificates' : serials.length === 1 ? 'a certificate' : 'certificates';
    await present(context, {
      service: 'IdentityService',
      method: 'RevokeCertificates',
      response,
      names: [name],
      text: () => `revoked ${which} of ${shortName(name)}\n`,
    });
  },
});

function parseSerial(text: string): string {
  if (!/^[0-9a-fA-F]{1,64}$/.test(text))
    throw new ValueError('Write a serial as identity show prints it, for example 3f9c0a.');
  return text.toLowerCase();
}
