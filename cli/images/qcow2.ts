/**
 * The first bytes of a qcow2 file: enough to know that it is one, which disk it holds, and that it needs no other
 * file. Layout as in QEMU's own description of the format, all numbers big-endian.
 */

/** How many bytes {@link readQcow2Header} wants; a qcow2 file is never shorter. */
export const qcow2HeaderBytes = 72;

export interface Qcow2Header {
  version: number;
  /** The disk that a guest sees. */
  virtualSizeBytes: number;
  hasBackingFile: boolean;
  encrypted: boolean;
}

/** Undefined when the bytes do not begin a qcow2 file. */
export function readQcow2Header(bytes: Buffer): Qcow2Header | undefined {
  if (bytes.length < qcow2HeaderBytes || bytes.toString('latin1', 0, 4) !== 'QFI\xfb') return undefined;
  const version = bytes.readUInt32BE(4);
  // Version 1 is the older format named qcow, whose header differs.
  if (version !== 2 && version !== 3) return undefined;
  return {
    version,
    virtualSizeBytes: Number(bytes.readBigUInt64BE(24)),
    hasBackingFile: bytes.readBigUInt64BE(8) !== 0n,
    encrypted: bytes.readUInt32BE(32) !== 0,
  };
}
