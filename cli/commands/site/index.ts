/** The verbs of `secovia site`, in the order in which the help shows them. */
import type { CommandDefinition } from '../../command.js';
import { siteCordon } from './cordon.js';
import { siteCreate } from './create.js';
import { siteDelete } from './delete.js';
import { siteList } from './list.js';
import { siteShow } from './show.js';
import { siteUncordon } from './uncordon.js';
import { siteUpdate } from './update.js';

export const siteCommands: readonly CommandDefinition[] = [
  siteCreate,
  siteList,
  siteShow,
  siteUpdate,
  siteCordon,
  siteUncordon,
  siteDelete,
];
