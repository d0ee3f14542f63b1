/** The verbs of `secovia operation`, in the order in which the help shows them. */
import type { CommandDefinition } from '../../command.js';
import { operationCancel } from './cancel.js';
import { operationList } from './list.js';
import { operationShow } from './show.js';
import { operationWait } from './wait.js';

export const operationCommands: readonly CommandDefinition[] = [
  operationList,
  operationShow,
  operationWait,
  operationCancel,
];
