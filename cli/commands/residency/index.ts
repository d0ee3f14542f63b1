/** The verbs of `secovia residency`, in the order in which the help shows them. */
import type { CommandDefinition } from '../../command.js';
import { residencyBreaches } from './breaches.js';
import { residencyCreate } from './create.js';
import { residencyDelete } from './delete.js';
import { residencyExplain } from './explain.js';
import { residencyList } from './list.js';
import { residencyShow } from './show.js';
import { residencyUpdate } from './update.js';

export const residencyCommands: readonly CommandDefinition[] = [
  residencyCreate,
  residencyList,
  residencyShow,
  residencyUpdate,
  residencyDelete,
  residencyExplain,
  residencyBreaches,
];
