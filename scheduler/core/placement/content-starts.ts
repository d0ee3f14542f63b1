/**
 * When what each host holds began: the mean over its VMs of when they were created, each counted by its memory. VMs that
 * have lived long tend to live on, so that a host with old content stays in use and one with young content may soon be
 * empty again. A VM brings its time with it when it moves, since `createdMs` of its record never changes; so the same VMs
 * always give the same mean, whatever happened before: after a restart, a replay, or a claim that was given back.
 *
 * Sums are exact. Times are whole minutes below 2^26, which is the year 2097, and memory counts in pieces of 64 MiB, of
 * which all that one host's VMs can hold (an `Int32Array` has what is left) is less than 2^26: no sum reaches 2^53.
 */
const msPerMinute = 60_000;
const mibPerPiece = 64;

/** Above the time of any content; stands for a host that holds no memory. */
export const noContent = 2 ** 26 - 1;

/** The minute of a time in milliseconds since 1970, as far as there are minutes. */
function minuteOf(ms: number): number {
  return Math.min(Math.max(0, Math.floor(ms / msPerMinute)), noContent - 1);
}

/** The time of a minute; 0 when it stands for no content. */
export function startMs(minute: number): number {
  return minute === noContent ? 0 : minute * msPerMinute;
}

export class ContentStarts {
  /** By row; `noContent` for a host without any. */
  minutes: Int32Array<ArrayBuffer>;
  #pieces: Int32Array<ArrayBuffer>;
  #sums: Float64Array<ArrayBuffer>;

  constructor(rows: number) {
    this.minutes = new Int32Array(rows).fill(noContent);
    this.#pieces = new Int32Array(rows);
    this.#sums = new Float64Array(rows);
  }

  grow(rows: number): void {
    const { minutes } = this;
    this.minutes = new Int32Array(rows).fill(noContent);
    this.minutes.set(minutes);
    const pieces = this.#pieces;
    this.#pieces = new Int32Array(rows);
    this.#pieces.set(pieces);
    const sums = this.#sums;
    this.#sums = new Float64Array(rows);
    this.#sums.set(sums);
  }

  /** A VM comes (`sign` 1) or goes, with so much memory of the host's. */
  claim(row: number, memoryMib: number, createdMs: number, sign: 1 | -1): void {
    const more = Math.ceil(memoryMib / mibPerPiece);
    const pieces = (this.#pieces[row] as number) + sign * more;
    const sum = (this.#sums[row] as number) + sign * more * minuteOf(createdMs);
    this.#pieces[row] = pieces;
    this.#sums[row] = sum;
    this.minutes[row] = pieces > 0 ? Math.floor(sum / pieces) : noContent;
  }
}
