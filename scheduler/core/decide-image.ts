/** Decisions about the image catalogue. */
import type { CommandOf } from './commands.js';
import type { Decision } from './decide.js';
import { staleEtag } from './etag.js';
import type { Image } from './model.js';
import { alreadyExists, notFound } from './refusal.js';
import type { State } from './state.js';

export function createImage(
  state: State,
  command: CommandOf<'image.create'>,
  nowMs: number,
): Decision<Image> {
  if (state.images.has(command.id)) return { refusal: alreadyExists('image', command.id) };
  const { type: _, ...fields } = command;
  const image: Image = { ...fields, deleted: false, createdMs: nowMs };
  return { changes: [{ type: 'image.created', image }], reply: () => image };
}

export function deleteImage(state: State, command: CommandOf<'image.delete'>): Decision<null> {
  const image = state.images.get(command.id);
  if (image === undefined) return { refusal: notFound('image', command.id) };
  const stale = staleEtag(command.etag, 1);
  if (stale) return { refusal: stale };
  return { changes: [{ type: 'image.deleted', id: command.id }], reply: () => null };
}
