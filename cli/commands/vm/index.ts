/** The verbs of `secovia vm`, in the order in which the help shows them. */
import type { CommandDefinition } from '../../command.js';
import { vmCapacity } from './capacity.js';
import { vmCreate } from './create.js';
import { vmDelete } from './delete.js';
import { vmExplain } from './explain.js';
import { vmList } from './list.js';
import { vmMigrate } from './migrate.js';
import { vmReboot } from './reboot.js';
import { vmResize } from './resize.js';
import { vmShow } from './show.js';
import { vmStart } from './start.js';
import { vmStop } from './stop.js';
import { vmUpdate } from './update.js';
import { vmWatch } from './watch.js';

export const vmCommands: readonly CommandDefinition[] = [
  vmCreate,
  vmExplain,
  vmCapacity,
  vmList,
  vmShow,
  vmWatch,
  vmStart,
  vmStop,
  vmReboot,
  vmResize,
  vmMigrate,
  vmUpdate,
  vmDelete,
];
