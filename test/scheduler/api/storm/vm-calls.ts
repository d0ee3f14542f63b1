/** Random calls about VMs. */
import type { CreateVmRequest } from '../../../../proto/gen/secovia/v1/CreateVmRequest.js';
import type { Means } from './draws.js';
import { poolOf, sites } from './land.js';

export class VmCalls {
  readonly #means: Means;

  constructor(means: Means) {
    this.#means = means;
  }

  #newVm(): Pick<CreateVmRequest, 'vmId' | 'vm'> {
    const { books, random } = this.#means;
    const spec = {
      vcpus: random.pick([1, 1, 2, 4, 8]),
      memoryMib: random.pick([512, 1024, 2048, 8192]),
      diskMib: random.pick([200, 1000, 20_000]),
      image: 'images/tiny',
      // Only what is on a pool can have another host later.
      storagePool: random.next() < 0.5 ? `storagePools/${poolOf(random.pick(sites).id)}` : '',
    };
    const some = random.next() < 0.25 ? [`sites/${random.pick(sites).id}`] : [];
    const dataClass = random.pick([
      '',
      '',
      '',
      'dataClasses/public',
      'dataClasses/personal',
      'dataClasses/special',
    ]);
    return {
      vmId: random.next() < 0.02 ? 'again' : `vm-${books.draw()}`,
      vm: {
        spec,
        dataClass,
        placement: { sites: some },
        desiredPowerState: random.next() < 0.15 ? 'POWER_STATE_STOPPED' : 'POWER_STATE_RUNNING',
      },
    };
  }

  async create(): Promise<void> {
    const { client, draws, books } = this.#means;
    const request = { parent: draws.administration(), ...this.#newVm(), requestId: draws.id() };
    const response = await client.ask('CreateVm', request);
    if (response?.vm) books.made(response.vm.uid, response.vm.name);
  }

  async createMany(): Promise<void> {
    const { client, draws, books, random } = this.#means;
    const requests = Array.from({ length: 2 + random.below(6) }, () => this.#newVm());
    const mode = random.pick(['BATCH_MODE_ALL_OR_NOTHING', 'BATCH_MODE_BEST_EFFORT'] as const);
    const request = { parent: draws.administration(), requests, mode, requestId: draws.id() };
    const response = await client.ask('BatchCreateVms', request);
    for (const { uid, name } of response?.vms ?? []) books.made(uid, name);
    if (response && response.refused.length > 0 && response.vms.length > 0) books.note('batch made in part');
  }

  resize() {
    const { client, draws, random } = this.#means;
    const vcpus = random.pick([1, 2, 4, 8]);
    const memoryMib = random.pick([0, 512, 1024, 4096, 8192]);
    const diskMib = random.pick([0, 0, 0, 1000, 20_000, 30_000]);
    return client.ask('ResizeVm', {
      name: draws.vm(),
      vcpus,
      memoryMib,
      diskMib,
      requestId: draws.id(),
    });
  }

  start() {
    const { client, draws } = this.#means;
    return client.ask('StartVm', { name: draws.stoppedVm(), requestId: draws.id() });
  }

  async stop(): Promise<void> {
    const { client, draws, books, random } = this.#means;
    const name = draws.vm();
    const mode = random.pick(['STOP_MODE_GRACEFUL', 'STOP_MODE_FORCE'] as const);
    const response = await client.ask('StopVm', { name, mode, requestId: draws.id() });
    if (response) books.stopped.push(name);
  }

  async delete(): Promise<void> {
    const { client, draws, books } = this.#means;
    const response = await client.ask('DeleteVm', { name: draws.vm(), requestId: draws.id() });
    if (response?.vm) books.deleted(response.vm.uid);
  }

  migrate() {
    const { client, draws, random } = this.#means;
    const mode = random.pick([
      'MIGRATION_MODE_UNSPECIFIED',
      'MIGRATION_MODE_UNSPECIFIED',
      'MIGRATION_MODE_COLD',
    ] as const);
    return client.ask('MigrateVm', { name: draws.vm(), mode, requestId: draws.id() });
  }

  classify() {
    const { client, draws, random } = this.#means;
    const dataClass = random.pick(['dataClasses/internal', 'dataClasses/personal', 'dataClasses/special']);
    const vm = { name: draws.vm(), dataClass };
    return client.ask('UpdateVm', { vm, updateMask: { paths: ['data_class'] }, requestId: draws.id() });
  }
}
