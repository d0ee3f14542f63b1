/**
 * What comes from a source, while it comes fast enough: VMs wait for their image as long as something comes, so a source that
 * drips would keep them for ever. Only the time counts in which something was waited for; who takes the image may be slow as well.
 */
import { Readable } from 'node:stream';

export interface Pace {
  /** The longest that nothing may come. */
  silenceMs: number;
  /** In so much time of waiting so much has to come. */
  windowMs: number;
  windowBytes: number;
}

export const slowestPace: Pace = { silenceMs: 30_000, windowMs: 60_000, windowBytes: 1024 * 1024 };

/**
 * Hands on what the source sends, and ends it when nobody takes it any more.
 *
 * @param tooSlow makes the error of the end of a sentence, such as "has sent nothing for 30 s".
 * @param monotonicMs a clock that nobody sets.
 */
export function steady(
  source: Readable,
  { silenceMs, windowMs, windowBytes }: Pace,
  tooSlow: (how: string) => Error,
  monotonicMs: () => number = () => performance.now(),
): Readable {
  const chunks: AsyncIterator<Buffer> = source[Symbol.asyncIterator]();
  let waitedMs = 0;
  let bytes = 0;
  const next = async (): Promise<Buffer | null> => {
    const began = monotonicMs();
    const { done, value } = await within(chunks.next(), silenceMs, () =>
      tooSlow(`has sent nothing for ${silenceMs / 1000} s`),
    );
    if (done === true) return null;
    waitedMs += monotonicMs() - began;
    bytes += value.length;
    if (waitedMs >= windowMs) {
      if (bytes < windowBytes) throw tooSlow(`has sent ${bytes} bytes in ${Math.round(waitedMs / 1000)} s`);
      waitedMs = 0;
      bytes = 0;
    }
    return value;
  };
  return new Readable({
    read() {
      next().then(
        (chunk) => this.push(chunk),
        (error: Error) => this.destroy(error),
      );
    },
    destroy(error, done) {
      source.destroy();
      done(error);
    },
  });
}

async function within<T>(work: Promise<T>, limitMs: number, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late()), limitMs);
  });
  return Promise.race([work, limit]).finally(() => clearTimeout(timer));
}
