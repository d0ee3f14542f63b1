/** Why an image is not there, in the converger's kinds of fault. */
import type { FaultKind } from '../converge/effects.js';

export class ImageFault extends Error {
  override readonly name = 'ImageFault';
  constructor(
    readonly kind: Extract<FaultKind, 'denied' | 'noSpace' | 'failed' | 'cancelled'>,
    message: string,
  ) {
    super(message);
  }
}
