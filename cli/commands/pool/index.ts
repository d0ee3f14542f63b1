/** The verbs of `secovia pool`, in the order in which the help shows them. */
import type { CommandDefinition } from '../../command.js';
import { poolCreate } from './create.js';
import { poolDelete } from './delete.js';
import { poolList } from './list.js';
import { poolShow } from './show.js';
import { poolUpdate } from './update.js';

export const poolCommands: readonly CommandDefinition[] = [
  poolCreate,
  poolList,
  poolShow,
  poolUpdate,
  poolDelete,
];
