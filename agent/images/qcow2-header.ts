/**
 * The first bytes of a qcow2 file. Of an image they are read before QEMU ever sees it: one that names a backing file or an
 * external data file would let whoever made it read files of the host, so it is refused. Of a VM's disk they say how large it
 * is, and what it was made from.
 */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { ImageFault } from './image-fault.js';

const magic = 0x514649fb;
const headerBytes = 104;
/** What QEMU allows for the name of a backing file. */
const longestBackingName = 1023;
const externalDataFile = 1n << 2n;
const mib = 1024n * 1024n;

interface Header {
  version: number;
  virtualSizeMib: number;
  /** The name of its backing file as it stands there; null when it has none. */
  backing: string | null;
  hasExternalData: boolean;
}

/** Null when it is no qcow2 file. A symbolic link is not followed. */
async function readHeader(path: string): Promise<Header | null> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const header = Buffer.alloc(headerBytes);
    await file.read(header, 0, headerBytes, 0);
    if (header.readUInt32BE(0) !== magic) return null;
    const version = header.readUInt32BE(4);
    const backing = Buffer.alloc(Math.min(longestBackingName, header.readUInt32BE(16)));
    const backingAt = header.readBigUInt64BE(8);
    if (backingAt !== 0n) await file.read(backing, 0, backing.length, Number(backingAt % 2n ** 52n));
    return {
      version,
      virtualSizeMib: Number((header.readBigUInt64BE(24) + mib - 1n) / mib),
      backing: backingAt === 0n ? null : backing.toString('utf8'),
      hasExternalData: version === 3 && (header.readBigUInt64BE(72) & externalDataFile) !== 0n,
    };
  } finally {
    await file.close();
  }
}

/** The size of the disk that a guest sees, in MiB. @throws ImageFault when the file is not a plain qcow2 image. */
export async function readQcow2VirtualSizeMib(path: string): Promise<number> {
  const header = await readHeader(path);
  if (header === null) throw new ImageFault('denied', 'the image is not a qcow2 file');
  const { version, backing, hasExternalData } = header;
  if (version !== 2 && version !== 3) throw new ImageFault('denied', `the image is qcow2 version ${version}`);
  if (backing !== null) throw new ImageFault('denied', 'the image names a backing file');
  if (hasExternalData) throw new ImageFault('denied', 'the image names an external data file');
  return header.virtualSizeMib;
}

/** What a VM's disk says of itself; null when it is no qcow2 file. */
export async function readQcow2Disk(
  path: string,
): Promise<{ virtualSizeMib: number; backing: string } | null> {
  const header = await readHeader(path);
  return header === null ? null : { virtualSizeMib: header.virtualSizeMib, backing: header.backing ?? '' };
}
