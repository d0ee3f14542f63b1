/** Writes to streams of which the reader may be slow. */
interface Written {
  write(message: object): boolean;
  once(event: 'drain', listener: () => void): unknown;
  off(event: 'drain', listener: () => void): unknown;
}

/** Writes, and waits while the reader is slow; false when it has read nothing for so long. */
export async function write(
  call: Written,
  message: object,
  gone: AbortSignal,
  unreadMs?: number,
): Promise<boolean> {
  if (gone.aborted || call.write(message)) return true;
  return new Promise<boolean>((resolve) => {
    const end = (isRead: boolean) => {
      clearTimeout(timer);
      call.off('drain', read);
      gone.removeEventListener('abort', read);
      resolve(isRead);
    };
    const read = () => end(true);
    const timer = unreadMs === undefined ? undefined : setTimeout(() => end(false), unreadMs);
    timer?.unref();
    call.once('drain', read);
    gone.addEventListener('abort', read);
  });
}
