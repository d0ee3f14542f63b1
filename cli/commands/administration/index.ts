/** The verbs of `secovia administration`, in the order in which the help shows them. */
import type { CommandDefinition } from '../../command.js';
import { administrationCreate } from './create.js';
import { administrationDelete } from './delete.js';
import { administrationList } from './list.js';
import { administrationMove } from './move.js';
import { administrationResume } from './resume.js';
import { administrationShow } from './show.js';
import { administrationSuspend } from './suspend.js';
import { administrationUpdate } from './update.js';

export const administrationCommands: readonly CommandDefinition[] = [
  administrationCreate,
  administrationList,
  administrationShow,
  administrationUpdate,
  administrationMove,
  administrationSuspend,
  administrationResume,
  administrationDelete,
];
