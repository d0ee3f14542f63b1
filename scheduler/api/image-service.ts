/** ImageService: the catalogue of disk images. */
import { randomUUID } from 'node:crypto';
import type { CreateImageRequest__Output } from '../../proto/gen/secovia/v1/CreateImageRequest.js';
import type { DeleteImageRequest__Output } from '../../proto/gen/secovia/v1/DeleteImageRequest.js';
import type { GetImageRequest__Output } from '../../proto/gen/secovia/v1/GetImageRequest.js';
import type { ListImagesRequest__Output } from '../../proto/gen/secovia/v1/ListImagesRequest.js';
import type { ImageFormat } from '../core/model.js';
import { notFound } from '../core/refusal.js';
import { Fields, quoted, titleLimit } from './fields.js';
import { largestDiskMib } from './limits.js';
import { type Answer, mutation, query } from './methods.js';
import { pageById, pageOf } from './pages.js';
import { imageMessage } from '../render/federation.js';

const digestForm = /^sha256:[0-9a-f]{64}$/;
const formats: Record<string, ImageFormat> = { IMAGE_FORMAT_QCOW2: 'qcow2', IMAGE_FORMAT_RAW: 'raw' };
const architectures: Record<string, string> = { x86_64: 'x86_64', aarch64: 'aarch64' };
const sourceLimit = 2000;
/** 64 TiB, as for disks. */
const largestImageBytes = largestDiskMib * 2 ** 20;

function checkSource(fields: Fields, source: string): string {
  fields.text('image.source', source, sourceLimit);
  if (!URL.canParse(source)) {
    fields.fault('image.source', `${quoted(source)} must be a URL`);
    return source;
  }
  const { protocol, host, pathname, username } = new URL(source);
  if (!['https:', 'http:', 'file:'].includes(protocol)) {
    fields.fault('image.source', `${quoted(protocol)} is no scheme for an image; use https, http or file`);
  } else if (protocol === 'file:' && (host !== '' || pathname === '/')) {
    fields.fault(
      'image.source',
      'a file source must be an absolute path, as in file:///srv/images/tiny.qcow2',
    );
  } else if (username !== '')
    fields.fault('image.source', 'must not carry a password; it is shown to everybody');
  return source;
}

export const imageService = {
  CreateImage: mutation((request: CreateImageRequest__Output, { engine }) => {
    const fields = new Fields();
    const { image } = request;
    const id = fields.id('image_id', request.imageId);
    if (!fields.present('image', image)) return { refusal: fields.refusal ?? notFound('image', id) };
    const title = fields.text('image.title', image.title, titleLimit);
    if (!digestForm.test(image.digest)) {
      fields.fault(
        'image.digest',
        `${quoted(image.digest)} must be sha256: and 64 lower-case hexadecimal digits`,
      );
    }
    const format = fields.choice('image.format', image.format, formats);
    const sizeBytes = fields.whole('image.size_bytes', image.sizeBytes, 1, largestImageBytes);
    const virtualSizeMib = fields.whole('image.virtual_size_mib', image.virtualSizeMib, 1, largestDiskMib);
    const source = checkSource(fields, image.source);
    const architecture = fields.choice('image.architecture', image.architecture || 'x86_64', architectures);
    if (fields.refusal) return { refusal: fields.refusal };
    const outcome = engine.run({
      type: 'image.create',
      uid: randomUUID(),
      id,
      title,
      digest: image.digest,
      format,
      sizeBytes,
      virtualSizeMib,
      source,
      architecture,
    });
    return outcome.refusal ? outcome : { response: { image: imageMessage(outcome.reply) } };
  }),

  GetImage: query((request: GetImageRequest__Output, { engine }): Answer<object> => {
    const fields = new Fields();
    const id = fields.name('name', 'image', request.name);
    if (fields.refusal) return { refusal: fields.refusal };
    const image = engine.state.images.get(id);
    if (image === undefined) return { refusal: notFound('image', request.name) };
    return { response: { image: imageMessage(image) } };
  }),

  ListImages: query((request: ListImagesRequest__Output, { engine }): Answer<object> => {
    const fields = new Fields();
    const page = pageOf(fields, request, 'images');
    if (fields.refusal) return { refusal: fields.refusal };
    const { items, nextPageToken } = pageById(page, engine.state.images.values(), () => true);
    return { response: { images: items.map(imageMessage), nextPageToken } };
  }),

  DeleteImage: mutation((request: DeleteImageRequest__Output, { engine }) => {
    const fields = new Fields();
    const id = fields.name('name', 'image', request.name);
    if (fields.refusal) return { refusal: fields.refusal };
    const outcome = engine.run({ type: 'image.delete', id, etag: request.etag });
    return outcome.refusal ? outcome : { response: {} };
  }),
};
