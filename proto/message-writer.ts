/**
 * Where a message is written: one buffer, from front to back, so that writing leaves nothing behind but the bytes. What
 * stands inside a message comes before its length is known; the length then gets the one byte that was left for it, or
 * what was written is moved along.
 */

/** A message this long leaves a buffer behind that is not worth keeping. */
const keptBytes = 1 << 20;
const firstBytes = 1 << 16;
/** Up to here it is quicker to write a string's characters one by one than to call for help. */
const shortString = 64;

export class MessageWriter {
  #buffer = Buffer.allocUnsafeSlow(firstBytes);
  #position = 0;

  /** What was written since the last call, as bytes of its own. */
  take(): Buffer {
    const bytes = Buffer.allocUnsafe(this.#position);
    this.#buffer.copy(bytes, 0, 0, this.#position);
    this.clear();
    return bytes;
  }

  /** Forgets what was written. */
  clear(): void {
    this.#position = 0;
    if (this.#buffer.length > keptBytes) this.#buffer = Buffer.allocUnsafeSlow(firstBytes);
  }

  /** A whole number as a varint; what is negative as 64 bits, in two's complement. */
  varint(value: number): void {
    this.#reserve(10);
    if (value >= 0 && value < 0x80) this.#buffer[this.#position++] = value;
    else if (value < 0) this.#negative(value);
    else this.#long(value);
  }

  string(value: string): void {
    if (value.length > shortString || !this.#ascii(value)) this.#text(value);
  }

  bytes(value: Uint8Array): void {
    this.varint(value.length);
    this.#reserve(value.length);
    this.#buffer.set(value, this.#position);
    this.#position += value.length;
  }

  /** Begins something whose length comes before it. Returns what `end` has to be told. */
  begin(): number {
    this.#reserve(1);
    this.#position += 1;
    return this.#position;
  }

  end(start: number): void {
    const length = this.#position - start;
    if (length < 0x80) {
      this.#buffer[start - 1] = length;
      return;
    }
    const more = length < 0x4000 ? 1 : length < 0x20_0000 ? 2 : length < 0x1000_0000 ? 3 : 4;
    this.#reserve(more);
    this.#buffer.copyWithin(start + more, start, this.#position);
    this.#position = start - 1;
    this.#long(length);
    this.#position += length;
  }

  /** Writes a short string if all its characters are ASCII, and says whether they are. */
  #ascii(value: string): boolean {
    const { length } = value;
    this.#reserve(length + 1);
    const buffer = this.#buffer;
    let position = this.#position;
    buffer[position++] = length;
    for (let index = 0; index < length; index += 1) {
      const unit = value.charCodeAt(index);
      if (unit >= 0x80) return false;
      buffer[position++] = unit;
    }
    this.#position = position;
    return true;
  }

  /** Not negative. */
  #long(value: number): void {
    const buffer = this.#buffer;
    let rest = value;
    while (rest >= 0x8000_0000) {
      buffer[this.#position++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    while (rest >= 0x80) {
      buffer[this.#position++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    buffer[this.#position++] = rest;
  }

  #negative(value: number): void {
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest >= 0x80n; rest >>= 7n) this.#buffer[this.#position++] = Number(rest & 0x7fn) | 0x80;
    this.#buffer[this.#position++] = Number(rest);
  }

  #text(value: string): void {
    const length = Buffer.byteLength(value);
    this.varint(length);
    this.#reserve(length);
    this.#buffer.write(value, this.#position, 'utf8');
    this.#position += length;
  }

  #reserve(bytes: number): void {
    if (this.#position + bytes <= this.#buffer.length) return;
    const longer = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#position + bytes));
    this.#buffer.copy(longer, 0, 0, this.#position);
    this.#buffer = longer;
  }
}
