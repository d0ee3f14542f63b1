/** The verbs of `secovia audit`, in the order in which the help shows them. */
import type { CommandDefinition } from '../../command.js';
import { auditExport } from './export.js';
import { auditKey } from './key.js';
import { auditList } from './list.js';
import { auditShow } from './show.js';
import { auditVerify } from './verify.js';

export const auditCommands: readonly CommandDefinition[] = [
  auditList,
  auditShow,
  auditExport,
  auditVerify,
  auditKey,
];
