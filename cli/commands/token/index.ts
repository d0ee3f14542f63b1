/** The verbs of `secovia token`, in the order in which the help shows them. */
import type { CommandDefinition } from '../../command.js';
import { tokenCreate } from './create.js';
import { tokenDelete } from './delete.js';
import { tokenList } from './list.js';

export const tokenCommands: readonly CommandDefinition[] = [tokenCreate, tokenList, tokenDelete];
