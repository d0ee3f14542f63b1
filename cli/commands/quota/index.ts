/** The verbs of `secovia quota`, in the order in which the help shows them. */
import type { CommandDefinition } from '../../command.js';
import { quotaDelete } from './delete.js';
import { quotaList } from './list.js';
import { quotaSet } from './set.js';
import { quotaShow } from './show.js';
import { quotaVerify } from './verify.js';

export const quotaCommands: readonly CommandDefinition[] = [
  quotaSet,
  quotaShow,
  quotaList,
  quotaDelete,
  quotaVerify,
];
