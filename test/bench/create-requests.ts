/**
 * CreateVm requests as bytes, all alike but for the VM's id and the request id, which are stamped into a template: a
 * load generator must not spend its time on building messages.
 */
import { messageCodec } from '../../proto/index.js';
import type { CreateVmRequest, CreateVmRequest__Output } from '../../proto/gen/secovia/v1/CreateVmRequest.js';

const idMark = 'vm-0000000000000000';
const requestIdMark = '00000000-0000-4000-8000-000000000000';

export class CreateRequests {
  readonly #template: Buffer;
  readonly #idAt: number;
  readonly #requestIdAt: number;
  #next: number;

  /** `run` keeps the ids of several generators apart. */
  constructor(parent: string, image: string, run: number) {
    const codec = messageCodec<CreateVmRequest, CreateVmRequest__Output>('secovia.v1.CreateVmRequest');
    this.#template = codec.serialize({
      parent,
      vmId: idMark,
      vm: {
        labels: { env: 'bench' },
        spec: { vcpus: 1, memoryMib: 1792, diskMib: 1024, image },
      },
      requestId: requestIdMark,
    });
    this.#idAt = this.#template.indexOf(idMark) + 'vm-'.length;
    this.#requestIdAt = this.#template.indexOf(requestIdMark) + requestIdMark.length - 12;
    this.#next = run * 1e8;
  }

  get size(): number {
    return this.#template.length;
  }

  /** A request that was not given before. */
  next(): Buffer {
    const bytes = Buffer.from(this.#template);
    const number = String(this.#next).padStart(16, '0');
    this.#next += 1;
    bytes.write(number, this.#idAt, 'latin1');
    bytes.write(number.slice(-12), this.#requestIdAt, 'latin1');
    return bytes;
  }
}
