/** `secovia image delete`. */
import { defineCommand, option } from '../../command.js';
import { present } from '../../output/present.js';
import { resourceName, shortName } from '../../values/names.js';

interface Options {
  etag?: string;
}

export const imageDelete = defineCommand<Options>({
  usage: 'image delete <image>',
  summary: 'Take an image out of the catalogue',
  description: 'Running VMs keep their copy; new VMs cannot name the image any more.',
  examples: ['secovia image delete tiny'],
  options: [option('--etag <etag>', 'only if it has not changed since it had this etag')],
  async run(context, [image = ''], { etag = '' }) {
    const name = resourceName('images', image);
    const connection = await context.connection();
    const response = await connection.mutate('ImageService', 'DeleteImage', { name, etag });
    await present(context, {
      service: 'ImageService',
      method: 'DeleteImage',
      response,
      names: [name],
      text: () => `deleted image ${shortName(name)}\n`,
    });
  },
});
