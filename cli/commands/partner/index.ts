/** The verbs of `secovia partner`, in the order in which the help shows them. */
import type { CommandDefinition } from '../../command.js';
import { partnerCreate } from './create.js';
import { partnerDelete } from './delete.js';
import { partnerList } from './list.js';
import { partnerShow } from './show.js';
import { partnerUpdate } from './update.js';

export const partnerCommands: readonly CommandDefinition[] = [
  partnerCreate,
  partnerList,
  partnerShow,
  partnerUpdate,
  partnerDelete,
];
