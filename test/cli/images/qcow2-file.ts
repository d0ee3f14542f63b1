/** Writes the beginning of a qcow2 file by the format's description, for tests. */
export function qcow2File({
  virtualSizeBytes = 64 * 1024 * 1024,
  version = 3,
  hasBackingFile = false,
  encrypted = false,
}: {
  virtualSizeBytes?: number;
  version?: number;
  hasBackingFile?: boolean;
  encrypted?: boolean;
}): Buffer {
  const bytes = Buffer.alloc(512);
  bytes.write('QFI\xfb', 0, 'latin1');
  bytes.writeUInt32BE(version, 4);
  bytes.writeBigUInt64BE(hasBackingFile ? 104n : 0n, 8);
  bytes.writeUInt32BE(16, 20);
  bytes.writeBigUInt64BE(BigInt(virtualSizeBytes), 24);
  bytes.writeUInt32BE(encrypted ? 1 : 0, 32);
  return bytes;
}
