/**
 * A part of a field that the contract only replaces as a whole: it is read, changed, and written on the condition that
 * nobody else has written meanwhile; when somebody has, it is begun anew.
 */
import { CallFailure } from './client/call-failure.js';

/** How often a change is begun anew when another one came first. */
export const mostAttempts = 5;

/** `write` must send the etag of what was read. */
export async function changeAsRead<Read, Answer>(
  read: () => Promise<Read>,
  write: (read: Read) => Promise<Answer>,
  attempts = mostAttempts,
): Promise<Answer> {
  for (let attempt = 1; ; attempt++) {
    const now = await read();
    try {
      return await write(now);
    } catch (error) {
      const overtaken = error instanceof CallFailure && error.code === 'ABORTED';
      if (!overtaken || attempt >= attempts) throw error;
    }
  }
}

/** What a list is to be: as it is said, or as it was read with some added and some taken away. */
export function listFrom(
  read: readonly string[] | undefined,
  {
    said = [],
    added = [],
    removed = [],
  }: Partial<Record<'said' | 'added' | 'removed', string[] | undefined>>,
): string[] {
  if (read === undefined) return [...new Set(said)];
  return [...new Set([...read.filter((each) => !removed.includes(each)), ...added])];
}
