/** Which file systems are mounted where, as this process sees it: proc_pid_mountinfo(5). */
import { readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';

export interface Mount {
  mountPoint: string;
  /** Such as `ext4` or `nfs4`. */
  type: string;
  /** Such as `/dev/sda1` or `nas.example:/vm`. */
  source: string;
}

/** With what tells a folder that is bound onto itself, as systemd does with those that a service may write to. */
interface Line extends Mount {
  /** `major:minor` of the file system, and the folder of it that is seen there. */
  device: string;
  root: string;
}

/** The text of the table; nothing is asked of the file systems, of which one may hang. */
export const readMountTable = (): Promise<string> => readFile('/proc/self/mountinfo', 'utf8');

/**
 * The file system that this path, symbolic links followed, is on; null when the table does not say. A folder that is bound onto
 * itself is where it was: one namespace has it as a mount, and another as none.
 */
export function mountOf(realPath: string, table: string): Mount | null {
  const above = table
    .split('\n')
    .flatMap((text) => readLine(text) ?? [])
    .filter(({ mountPoint }) => isBelow(realPath, mountPoint));
  // Of several at one place the last covers those before it.
  const fromFar = above
    .map((line, index) => ({ line, index }))
    .sort((a, b) => a.line.mountPoint.length - b.line.mountPoint.length || a.index - b.index)
    .map(({ line }) => line);
  for (let line = fromFar.pop(); line !== undefined; line = fromFar.pop()) {
    const behind = fromFar.at(-1);
    if (behind !== undefined && isSameFolder(line, behind)) continue;
    const { mountPoint, type, source } = line;
    return { mountPoint, type, source };
  }
  return null;
}

/** Whether a mount shows what would be seen at its place without it. */
const isSameFolder = (mount: Line, behind: Line): boolean =>
  mount.device === behind.device &&
  mount.root === join(behind.root, relative(behind.mountPoint, mount.mountPoint));

const isBelow = (path: string, folder: string): boolean =>
  folder === '/' || path === folder || path.startsWith(`${folder}/`);

/** A variable number of optional fields ends with a lone hyphen. */
function readLine(line: string): Line | null {
  const fields = line.split(' ');
  const end = fields.indexOf('-', 6);
  const [type, source] = [fields[end + 1], fields[end + 2]];
  if (end === -1 || type === undefined || source === undefined) return null;
  const [, , device = '', root = '', mountPoint = ''] = fields;
  return {
    device,
    root: unescaped(root),
    mountPoint: unescaped(mountPoint),
    type,
    source: unescaped(source),
  };
}

/** Spaces, tabs, newlines and backslashes stand there as three octal digits. */
const unescaped = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
