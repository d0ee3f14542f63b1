/** The verbs of `secovia lend`, in the order in which the help shows them. */
import type { CommandDefinition } from '../../command.js';
import { lendCreate } from './create.js';
import { lendList } from './list.js';
import { lendRecall } from './recall.js';
import { lendShow } from './show.js';

export const lendCommands: readonly CommandDefinition[] = [lendCreate, lendList, lendShow, lendRecall];
