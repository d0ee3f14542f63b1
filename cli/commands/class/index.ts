/** The verbs of `secovia class`, in the order in which the help shows them. */
import type { CommandDefinition } from '../../command.js';
import { classCreate } from './create.js';
import { classDelete } from './delete.js';
import { classList } from './list.js';

export const classCommands: readonly CommandDefinition[] = [classCreate, classList, classDelete];
