/** `secovia image list`. */
import { defineCommand } from '../../command.js';
import { list } from '../../output/present.js';
import { imageColumns } from '../../views/image.js';

export const imageList = defineCommand({
  usage: 'image list',
  summary: 'List the images',
  examples: ['secovia image list'],
  run: (context) =>
    list(context, {
      service: 'ImageService',
      method: 'ListImages',
      request: {},
      key: 'images',
      rows: (page) => page.images,
      columns: imageColumns(context.nowMs),
      none: 'the catalogue is empty. Add an image with secovia image add.',
    }),
});
