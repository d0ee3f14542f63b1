/** The verbs of `secovia agreement`, in the order in which the help shows them. */
import type { CommandDefinition } from '../../command.js';
import { agreementCreate } from './create.js';
import { agreementDelete } from './delete.js';
import { agreementList } from './list.js';
import { agreementRecall } from './recall.js';
import { agreementShow } from './show.js';
import { agreementUpdate } from './update.js';

export const agreementCommands: readonly CommandDefinition[] = [
  agreementCreate,
  agreementList,
  agreementShow,
  agreementUpdate,
  agreementRecall,
  agreementDelete,
];
