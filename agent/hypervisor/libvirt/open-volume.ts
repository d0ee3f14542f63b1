/** Growing a volume that QEMU has open: nobody else may write to its file, and the guest is told of its new size. */
import type { CallOptions, Connection } from '../../../native/index.js';
import { rootDisk } from './domain-xml.js';

const mib = 1024 * 1024;

/** What is needed of libvirt. */
type Disks = Pick<Connection, 'domainBlockInfo' | 'domainBlockResize'>;

/** @returns the MiB that it has now. */
export async function growOpenVolume(
  connection: Disks,
  uid: string,
  sizeMib: number,
  options: CallOptions,
): Promise<number> {
  const { capacityBytes } = await connection.domainBlockInfo(uid, rootDisk, options);
  const hasMib = Math.floor(Number(capacityBytes) / mib);
  if (hasMib >= sizeMib) return hasMib;
  await connection.domainBlockResize(uid, rootDisk, sizeMib * mib, options);
  return sizeMib;
}
