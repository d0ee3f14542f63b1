/** The verbs of `secovia host`, in the order in which the help shows them. */
import type { CommandDefinition } from '../../command.js';
import { hostAdoptOrphan } from './adopt-orphan.js';
import { hostCordon } from './cordon.js';
import { hostDrain } from './drain.js';
import { hostDrainPause } from './drain-pause.js';
import { hostDrainResume } from './drain-resume.js';
import { hostEvacuate } from './evacuate.js';
import { hostFenceConfirm } from './fence-confirm.js';
import { hostFence } from './fence.js';
import { hostList } from './list.js';
import { hostQuarantine } from './quarantine.js';
import { hostRemoveOrphan } from './remove-orphan.js';
import { hostRelease } from './release.js';
import { hostRetire } from './retire.js';
import { hostRevoke } from './revoke.js';
import { hostShow } from './show.js';
import { hostUncordon } from './uncordon.js';
import { hostUndrain } from './undrain.js';
import { hostUpdate } from './update.js';

export const hostCommands: readonly CommandDefinition[] = [
  hostList,
  hostShow,
  hostUpdate,
  hostCordon,
  hostUncordon,
  hostDrain,
  hostDrainPause,
  hostDrainResume,
  hostUndrain,
  hostQuarantine,
  hostRelease,
  hostRevoke,
  hostFence,
  hostFenceConfirm,
  hostEvacuate,
  hostAdoptOrphan,
  hostRemoveOrphan,
  hostRetire,
];
