/** The password of a management controller, from a file that nobody but its owner can read. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** In words; the password itself is never in them. */
export class PasswordProblem extends Error {}

const longest = 1_024;

/** @throws PasswordProblem */
export async function readPassword(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') throw new PasswordProblem(`the password file ${path} is not there`);
      if (error.code === 'ELOOP') throw new PasswordProblem(`the password file ${path} is a symbolic link`);
      throw new PasswordProblem(`the password file cannot be read: ${error.message}`);
    },
  );
  try {
    const entry = await file.stat();
    if (!entry.isFile()) throw new PasswordProblem(`the password file ${path} is not a file`);
    if ((entry.mode & 0o077) !== 0) {
      throw new PasswordProblem(`others may read the password file ${path}: chmod 600 ${path}`);
    }
    if (entry.size > longest) throw new PasswordProblem(`the password file ${path} is too long`);
    const password = (await file.readFile('utf8')).replace(/\r?\n$/, '');
    if (password === '') throw new PasswordProblem(`the password file ${path} is empty`);
    if (/\p{Cc}/u.test(password))
      throw new PasswordProblem(`the password file ${path} has more than one line`);
    return password;
  } finally {
    await file.close();
  }
}
