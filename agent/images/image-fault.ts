/** Why an image is not there, in the converger's kinds of fault. */
import type { FaultKind } from '../converge/effects.js';
import { isDiskFull } from '../full-disk.js';
import { HypervisorError } from '../hypervisor/hypervisor.js';

export class ImageFault extends Error {
  override readonly name = 'ImageFault';
  constructor(
    readonly kind: Extract<FaultKind, 'denied' | 'noSpace' | 'failed' | 'cancelled'>,
    message: string,
  ) {
    super(message);
  }
}

/** A pool's folder is not as it should be. */
export function asFolderFault(error: Error): never {
  const isRefused = error instanceof HypervisorError && error.fault === 'invalid';
  throw new ImageFault(isRefused ? 'denied' : 'failed', error.message);
}

/** What went wrong while an image was fetched, or was aborted with the signal. */
export function asImageFault(error: unknown, signal: AbortSignal): ImageFault {
  if (error instanceof ImageFault) return error;
  if (signal.aborted) return new ImageFault('cancelled', 'not needed any more');
  const { message } = error as Error;
  if (isDiskFull(error)) return new ImageFault('noSpace', message);
  return new ImageFault('failed', `the image could not be fetched: ${message}`);
}
