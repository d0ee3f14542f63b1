/** `secovia image delete`. */
import { changeNamed } from '../../change-named.js';
import { defineCommand, option } from '../../command.js';

interface Options {
  etag?: string;
}

export const imageDelete = defineCommand<Options>({
  usage: 'image delete <image>',
  summary: 'Take an image out of the catalogue',
  description: 'Running VMs keep their copy; new VMs cannot name the image any more.',
  examples: ['secovia image delete tiny'],
  options: [option('--etag <etag>', 'only if it has not changed since it had this etag')],
  run: (context, names, { etag = '' }) =>
    changeNamed(context, names, {
      collection: 'images',
      service: 'ImageService',
      method: 'DeleteImage',
      done: 'deleted image',
      order: (connection, name) => connection.mutate('ImageService', 'DeleteImage', { name, etag }),
    }),
});
