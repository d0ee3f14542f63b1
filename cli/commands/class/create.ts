/** `secovia class create`. */
import { defineCommand, option } from '../../command.js';
import { present } from '../../output/present.js';
import { resourceName, shortName } from '../../values/names.js';
import { parseClassLevel } from '../../values/words.js';

interface Options {
  level: number;
  title?: string;
}

export const classCreate = defineCommand<Options>({
  usage: 'class create <name>',
  summary: 'Add a data class',
  description:
    'Of those that are built in, public is at level 0, internal at 10, personal at 20 and special at 30. Above 10 data ' +
    'stay in the country of their administration unless a residency rule allows more.',
  examples: ['secovia class create health --level 35 --title "Health records"'],
  options: [
    option(
      '--level <level>',
      '0 to 100, the higher the more sensitive',
      parseClassLevel,
    ).makeOptionMandatory(),
    option('--title <text>', 'a name for people'),
  ],
  async run(context, [id = ''], { level, title = '' }) {
    const connection = await context.connection();
    const response = await connection.mutate('ResidencyService', 'CreateDataClass', {
      dataClassId: shortName(resourceName('dataClasses', id)),
      dataClass: { level, title },
    });
    const name = response.dataClass?.name ?? '';
    await present(context, {
      service: 'ResidencyService',
      method: 'CreateDataClass',
      response,
      names: [name],
      text: () => `created data class ${shortName(name)}\n`,
    });
  },
});
