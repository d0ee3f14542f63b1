/** Why a backup, a restore or a check cannot be done, and what to do: a whole sentence. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
}

/** Errors whose message is all that an operator needs. */
const explained = new Set(['BackupError', 'StoreError', 'AuthorityError']);

export function isExplained(error: unknown): error is Error {
  return error instanceof Error && explained.has(error.name);
}

/** What the system or SQLite has to say becomes a sentence; a bug stays one. */
export function inWords(error: unknown, cannot: string, neededBytes: number): unknown {
  if (isExplained(error)) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'SQLITE_FULL') {
    const mib = Math.ceil(neededBytes / 2 ** 20);
    return new BackupError(`${cannot}: the disk is full; about ${mib} MiB are needed there`);
  }
  return code === undefined ? error : new BackupError(`${cannot}: ${message}`);
}
