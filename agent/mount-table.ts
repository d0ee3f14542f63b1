/** Which file systems are mounted where, as this process sees it: proc_pid_mountinfo(5). */
import { readFile } from 'node:fs/promises';

export interface Mount {
  mountPoint: string;
  /** Such as `ext4` or `nfs4`. */
  type: string;
  /** Such as `/dev/sda1` or `nas.example:/vm`. */
  source: string;
}

/** The text of the table; nothing is asked of the file systems, of which one may hang. */
export const readMountTable = (): Promise<string> => readFile('/proc/self/mountinfo', 'utf8');

/** The file system that this path, symbolic links followed, is on; null when the table does not say. */
export function mountOf(realPath: string, table: string): Mount | null {
  let nearest: Mount | null = null;
  for (const line of table.split('\n')) {
    const mount = readLine(line);
    if (mount === null || !isBelow(realPath, mount.mountPoint)) continue;
    // Of several at one place the last covers those before it.
    if (nearest === null || mount.mountPoint.length >= nearest.mountPoint.length) nearest = mount;
  }
  return nearest;
}

const isBelow = (path: string, folder: string): boolean =>
  folder === '/' || path === folder || path.startsWith(`${folder}/`);

/** A variable number of optional fields ends with a lone hyphen. */
function readLine(line: string): Mount | null {
  const fields = line.split(' ');
  const end = fields.indexOf('-', 6);
  const [mountPoint, type, source] = [fields[4], fields[end + 1], fields[end + 2]];
  if (end === -1 || mountPoint === undefined || type === undefined || source === undefined) return null;
  return { mountPoint: unescaped(mountPoint), type, source: unescaped(source) };
}

/** Spaces, tabs, newlines and backslashes stand there as three octal digits. */
const unescaped = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
