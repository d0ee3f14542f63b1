/** The verbs of `secovia administration`, in the order in which the help shows them. */
import type { CommandDefinition } from '../../command.js';
import { administrationCreate } from './create.js';
import { administrationDelete } from './delete.js';
import { administrationList } from './list.js';
import { administrationShow } from './show.js';

export const administrationCommands: readonly CommandDefinition[] = [
  administrationCreate,
  administrationList,
  administrationShow,
  administrationDelete,
];
