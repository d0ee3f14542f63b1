/** The verbs of `secovia federation`, in the order in which the help shows them. */
import type { CommandDefinition } from '../../command.js';
import { federationEndRecovery } from './end-recovery.js';
import { federationExport } from './export.js';
import { federationShow } from './show.js';

export const federationCommands: readonly CommandDefinition[] = [
  federationShow,
  federationExport,
  federationEndRecovery,
];
