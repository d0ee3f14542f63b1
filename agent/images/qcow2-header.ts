/**
 * The first bytes of a qcow2 file, read before QEMU ever sees it: an image that names a backing file or an external
 * data file would let whoever made it read files of the host, so it is refused.
 */
import { open } from 'node:fs/promises';
import { ImageFault } from './image-fault.js';

const magic = 0x514649fb;
const headerBytes = 104;
const externalDataFile = 1n << 2n;
const mib = 1024n * 1024n;

/** The size of the disk that a guest sees, in MiB. @throws ImageFault when the file is not a plain qcow2 image. */
export async function readQcow2VirtualSizeMib(path: string): Promise<number> {
  const file = await open(path, 'r');
  const header = Buffer.alloc(headerBytes);
  try {
    await file.read(header, 0, headerBytes, 0);
  } finally {
    await file.close();
  }
  if (header.readUInt32BE(0) !== magic) throw new ImageFault('denied', 'the image is not a qcow2 file');
  const version = header.readUInt32BE(4);
  if (version !== 2 && version !== 3) throw new ImageFault('denied', `the image is qcow2 version ${version}`);
  if (header.readBigUInt64BE(8) !== 0n) throw new ImageFault('denied', 'the image names a backing file');
  if (version === 3 && (header.readBigUInt64BE(72) & externalDataFile) !== 0n) {
    throw new ImageFault('denied', 'the image names an external data file');
  }
  return Number((header.readBigUInt64BE(24) + mib - 1n) / mib);
}
