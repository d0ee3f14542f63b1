/** The verbs of `secovia identity`, in the order in which the help shows them. */
import type { CommandDefinition } from '../../command.js';
import { identityCertificate } from './certificate.js';
import { identityCreate } from './create.js';
import { identityDelete } from './delete.js';
import { identityList } from './list.js';
import { identityRevoke } from './revoke.js';
import { identityShow } from './show.js';
import { identityUpdate } from './update.js';

export const identityCommands: readonly CommandDefinition[] = [
  identityCreate,
  identityList,
  identityShow,
  identityUpdate,
  identityCertificate,
  identityRevoke,
  identityDelete,
];
