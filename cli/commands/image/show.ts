/** `secovia image show`. */
import { defineCommand } from '../../command.js';
import { present } from '../../output/present.js';
import { resourceName } from '../../values/names.js';
import { imageSheet } from '../../views/image.js';

export const imageShow = defineCommand({
  usage: 'image show <image>',
  summary: 'Show an image',
  examples: ['secovia image show tiny'],
  async run(context, [image = '']) {
    const connection = await context.connection();
    const response = await connection.call('ImageService', 'GetImage', {
      name: resourceName('images', image),
    });
    const found = response.image;
    await present(context, {
      service: 'ImageService',
      method: 'GetImage',
      response,
      names: [found?.name ?? ''],
      text: () => (found === null ? '' : imageSheet(found, context.nowMs, context.paint)),
    });
  },
});
