/** `secovia identity delete`. */
import { changeNamed } from '../../change-named.js';
import { defineCommand, flag, option } from '../../command.js';
import { confirm } from '../../prompt.js';
import { resourceName, shortName } from '../../values/names.js';

interface Options {
  yes?: true;
  etag?: string;
}

export const identityDelete = defineCommand<Options>({
  usage: 'identity delete <identity>',
  summary: 'Take an identity away for good, with its certificates',
  description:
    'It is refused from then on, on connections that are open as well. A person at a terminal is asked first; a script must\n' +
    'say --yes. To keep somebody out for a while, say identity update --disable.',
  examples: ['secovia identity delete ana', 'secovia identity delete ops --yes'],
  options: [
    flag('--yes', 'do not ask'),
    option('--etag <etag>', 'only if it has not changed since it had this etag'),
  ],
  async run(context, words, { yes, etag = '' }) {
    const names = words.map((word) => shortName(resourceName('identities', word)));
    if (!yes) await confirm(context.world, `Delete identity ${names.join(', ')} and its certificates?`);
    await changeNamed(context, words, {
      collection: 'identities',
      service: 'IdentityService',
      method: 'DeleteIdentity',
      done: 'deleted identity',
      order: (connection, name) => connection.mutate('IdentityService', 'DeleteIdentity', { name, etag }),
    });
  },
});
