/** The verbs of `secovia image`, in the order in which the help shows them. */
import type { CommandDefinition } from '../../command.js';
import { imageAdd } from './add.js';
import { imageDelete } from './delete.js';
import { imageList } from './list.js';
import { imageShow } from './show.js';

export const imageCommands: readonly CommandDefinition[] = [imageAdd, imageList, imageShow, imageDelete];
