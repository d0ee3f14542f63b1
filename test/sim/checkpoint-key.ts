/** A federation's key that costs nothing: whoever has read this file can forge it, and nobody in a simulation has. */
import { hash } from 'node:crypto';
import type { Checkpoint } from '../../agent/converge/epoch.js';
import { checkpointText } from '../../agent/converge/epoch.js';
import type { CheckpointKey } from '../../scheduler/fleet/checkpoints.js';

const seal = (text: string): Buffer => hash('sha1', `simulated ${text}`, 'buffer');

export const simulatedKey: CheckpointKey = {
  publicKey: Buffer.from('simulated'),
  sign: (text) => seal(text.toString()),
  verify: (text, signature) => seal(text.toString()).equals(signature),
};

/** What a scheduler makes that is started on a copy of the database alone: no agent takes it for the federation's. */
export const strangeKey: CheckpointKey = {
  publicKey: Buffer.from('strange'),
  sign: (text) => seal(`strange ${text}`),
  verify: (text, signature) => seal(`strange ${text}`).equals(signature),
};

export function verifyCheckpoint(checkpoint: Checkpoint): boolean {
  return seal(checkpointText(checkpoint)).toString('base64') === checkpoint.signatureBase64;
}
