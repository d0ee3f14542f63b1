/** How a call is refused for a reason that was read in the state. */
import type { StatusObject } from '@grpc/grpc-js';
import type { Refusal } from '../core/refusal.js';
import type { Engine } from '../engine.js';
import { statusOf } from './status.js';

/** Ends a call with a refusal once all that may have been read for it is on disk (PROTOCOL S1). */
export function refusing(engine: Engine, end: (status: StatusObject) => unknown): (refusal: Refusal) => void {
  return (refusal) => engine.whenReadable(() => end(statusOf(refusal)));
}
