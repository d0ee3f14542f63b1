/**
 * What can be learned of an image from a file on this machine: digest and size by reading it once, format and
 * virtual size from its header. What is learned here is what agents will hold the fetched file against.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { exitCodes, Failure, usageFailure } from '../failure.js';
import { qcow2HeaderBytes, readQcow2Header } from './qcow2.js';

const bytesPerMib = 1024 * 1024;

export type ImageFormat = 'qcow2' | 'raw';

export interface LocalImage {
  /** `sha256:` and 64 digits. */
  digest: string;
  sizeBytes: number;
  format: ImageFormat;
  virtualSizeMib: number;
}

/** Fails with a sentence when the file cannot be read or cannot be an image. */
export async function readLocalImage(
  path: string,
  saidFormat: ImageFormat | undefined,
  interrupted: AbortSignal,
): Promise<LocalImage> {
  try {
    const file = await stat(path);
    if (!file.isFile()) throw usageFailure(`${path} is not a file.`);
    if (file.size === 0) throw usageFailure(`${path} is empty.`);
    const { format, virtualSizeBytes } = formatOf(path, await firstBytes(path), file.size, saidFormat);
    const { digest, sizeBytes } = await digestOf(path, interrupted);
    return { digest, sizeBytes, format, virtualSizeMib: Math.ceil(virtualSizeBytes / bytesPerMib) };
  } catch (error) {
    throw interrupted.aborted ? new Failure('interrupted.', exitCodes.interrupted) : readable(path, error);
  }
}

async function firstBytes(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(qcow2HeaderBytes), 0, qcow2HeaderBytes, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function formatOf(
  path: string,
  header: Buffer,
  sizeBytes: number,
  said: ImageFormat | undefined,
): { format: ImageFormat; virtualSizeBytes: number } {
  const qcow2 = readQcow2Header(header);
  if (qcow2 === undefined) {
    if (said === 'raw') return { format: 'raw', virtualSizeBytes: sizeBytes };
    throw usageFailure(
      said === 'qcow2'
        ? `${path} is not a qcow2 image. Convert it with qemu-img convert -O qcow2.`
        : `${path} is not a qcow2 image. If it is a raw disk, say --format raw.`,
    );
  }
  if (said === 'raw') throw usageFailure(`${path} is a qcow2 image: leave --format out.`);
  if (qcow2.hasBackingFile) {
    throw usageFailure(`${path} needs a backing file. Make it whole with qemu-img convert -O qcow2.`);
  }
  if (qcow2.encrypted) throw usageFailure(`${path} is encrypted, and no host could open it.`);
  if (qcow2.virtualSizeBytes === 0) throw usageFailure(`${path} holds a disk of no size.`);
  return { format: 'qcow2', virtualSizeBytes: qcow2.virtualSizeBytes };
}

async function digestOf(path: string, signal: AbortSignal): Promise<{ digest: string; sizeBytes: number }> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: bytesPerMib, signal })) {
    const bytes = chunk as Buffer;
    hash.update(bytes);
    sizeBytes += bytes.length;
  }
  return { digest: `sha256:${hash.digest('hex')}`, sizeBytes };
}

function readable(path: string, error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
      return usageFailure(`there is no file ${path} on this machine.`);
    case 'EACCES':
      return usageFailure(`${path} may not be read by this user.`);
    case 'ENOTDIR':
      return usageFailure(`${path} leads through something that is not a directory.`);
    default:
      return error;
  }
}
