/**
 * CreateVm and BatchCreateVms requests as bytes, all alike but for the VMs' ids and the request id, which are stamped into
 * a template: a load generator must not spend its time on building messages.
 */
import { messageCodec } from '../../proto/index.js';
import type {
  BatchCreateVmsRequest,
  BatchCreateVmsRequest__Output,
} from '../../proto/gen/secovia/v1/BatchCreateVmsRequest.js';
import type { CreateVmRequest, CreateVmRequest__Output } from '../../proto/gen/secovia/v1/CreateVmRequest.js';

const idMark = 'vm-0000000000000000';
const requestIdMark = '00000000-0000-4000-8000-000000000000';

export class CreateRequests {
  readonly #template: Buffer;
  /** Where the ids of the VMs stand. */
  readonly #idsAt: readonly number[];
  readonly #requestIdAt: number;
  #next: number;

  /** `run` keeps the ids of several generators apart. With a `batch` each request makes so many VMs. */
  constructor(parent: string, image: string, run: number, batch?: number) {
    const made = {
      vmId: idMark,
      vm: {
        labels: { env: 'bench' },
        spec: { vcpus: 1, memoryMib: 1792, diskMib: 1024, image },
      },
    };
    this.#template =
      batch === undefined
        ? messageCodec<CreateVmRequest, CreateVmRequest__Output>('secovia.v1.CreateVmRequest').serialize({
            parent,
            ...made,
            requestId: requestIdMark,
          })
        : messageCodec<BatchCreateVmsRequest, BatchCreateVmsRequest__Output>(
            'secovia.v1.BatchCreateVmsRequest',
          ).serialize({
            parent,
            requests: Array.from({ length: batch }, () => made),
            requestId: requestIdMark,
          });
    this.#idsAt = [...this.#template.toString('latin1').matchAll(new RegExp(idMark, 'g'))].map(
      ({ index }) => index + 'vm-'.length,
    );
    this.#requestIdAt = this.#template.indexOf(requestIdMark) + requestIdMark.length - 12;
    this.#next = run * 1e8;
  }

  get size(): number {
    return this.#template.length;
  }

  /** A request that was not given before. */
  next(): Buffer {
    const bytes = Buffer.from(this.#template);
    bytes.write(String(this.#next).padStart(12, '0'), this.#requestIdAt, 'latin1');
    for (const at of this.#idsAt) {
      bytes.write(String(this.#next).padStart(16, '0'), at, 'latin1');
      this.#next += 1;
    }
    return bytes;
  }
}
