/**
 * A caller with a connection of its own. A call whose answer a crash has taken is made again under the same request id
 * until its answer is known; now and then one that was answered is made again too, and must be answered by the same bytes.
 */
import { status, type ServiceError } from '@grpc/grpc-js';
import type { Random } from '../../core/placement/random.js';
import {
  Api,
  definitionOf,
  encode,
  failureOf,
  type MethodName,
  type RequestOf,
  type ResponseOf,
} from '../client.js';
import type { Books } from './books.js';
import { deedsOfAnswer } from './deeds.js';

/** So often in a row may a call be lost: a scheduler that does not come back is a failure. */
const mostAttempts = 50;
/** What may be said of a call's form here, since it depends on what others have done. */
const allowedInvalid = new Set(['DISK_SHRINKS', 'LOAN_IN_THE_PAST']);

export class StormClient {
  readonly #api: Api;

  constructor(
    address: string,
    private readonly books: Books,
    private readonly random: Random,
  ) {
    this.#api = new Api(address);
  }

  close(): void {
    this.#api.close();
  }

  /** Calls until the answer is known; null for a refusal. */
  async ask<M extends MethodName>(method: M, request: RequestOf<M>): Promise<ResponseOf<M> | null> {
    const bytes = encode(method, request as object);
    const reply = await this.#answer(method, bytes);
    if (typeof reply === 'string') {
      this.books.ended(method, reply);
      return null;
    }
    const response = definitionOf(method).responseDeserialize(reply) as ResponseOf<M>;
    for (const deed of deedsOfAnswer(method, response, request)) this.books.acknowledge(deed);
    this.books.ended(method, '');
    if (this.random.next() < 0.02) await this.#repeat(method, bytes, reply);
    return response;
  }

  async #repeat(method: MethodName, bytes: Buffer, first: Buffer): Promise<void> {
    const again = await this.#answer(method, bytes);
    if (typeof again === 'string' || !again.equals(first))
      throw new Error(`${method} was answered otherwise when it was made again: ${String(again)}`);
    this.books.repeated += 1;
  }

  /** The answer's bytes, or the reason of a refusal. */
  async #answer(method: MethodName, bytes: Buffer): Promise<Buffer | string> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#api.bytes(method, bytes);
      } catch (error) {
        const { code, reason, message } = failureOf(error as ServiceError);
        // Without a reason it is not the scheduler that speaks.
        if (reason !== '' && reason !== 'OVERLOADED') {
          const wrong =
            code === status.INTERNAL || (code === status.INVALID_ARGUMENT && !allowedInvalid.has(reason));
          if (wrong) throw new Error(`${method} failed with ${reason}: ${message}`);
          return reason;
        }
        this.books.lost += 1;
        if (attempt === mostAttempts) throw new Error(`${method} is not answered: ${message}`);
      }
    }
  }
}
