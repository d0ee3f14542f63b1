/** What the host's copy of an image is called: its digest, so that a disk that was made from it tells which image that was. */
import { basename } from 'node:path';
import type { ImageFormat } from '../hypervisor/hypervisor.js';

const pattern = /^([0-9a-f]{64})\.(qcow2|raw)$/;

export const imageFile = ({ sha256, format }: { sha256: string; format: ImageFormat }): string =>
  `${sha256}.${format}`;

/** The 64 digits of the image's SHA-256; empty for the path of a file that is no copy of an image. */
export const sha256OfImageFile = (path: string): string => pattern.exec(basename(path))?.[1] ?? '';
