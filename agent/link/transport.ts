/** What the agent's shell needs of the wire: one stream at a time, opened, written, and ended. */
import type { LinkRequest } from '../../proto/gen/secovia/v1/LinkRequest.js';
import type { LinkResponse__Output } from '../../proto/gen/secovia/v1/LinkResponse.js';

export interface StreamListener {
  opened(): void;
  received(response: LinkResponse__Output): void;
  writable(): void;
  /**
   * Called once at most, and never after `close`. One that was refused was told that it is not welcome, and may not be for
   * long.
   */
  ended(reason: string, refused?: boolean): void;
}

export interface LinkStream {
  /** Returns false when no more should be written until `writable`. */
  send(request: LinkRequest): boolean;
  /** Ends the stream after what was sent; the listener hears nothing any more. */
  close(): void;
}

export interface Transport {
  open(listener: StreamListener): LinkStream;
}
