/** What people read of an image that comes or is checked, as often as they can follow. */

const mib = 1024 * 1024;
const intervalMs = 500;

/** Gives what is to be called with the bytes of each piece. */
export function progressOf(
  doing: 'fetching' | 'checking',
  expected: number | null,
  tell: (progress: string) => void,
): (bytes: number) => void {
  let done = 0;
  let toldAt = 0;
  return (bytes) => {
    done += bytes;
    if (Date.now() - toldAt < intervalMs) return;
    toldAt = Date.now();
    const isKnown = expected !== null && expected > 0;
    const amount = isKnown ? `${Math.floor((100 * done) / expected)} %` : `${Math.floor(done / mib)} MiB`;
    tell(`${doing} image ${amount}`);
  };
}
