/** Hosts of one site that mount one pool, with agents by hand, and VMs on it that are where a test wants them. */
import type { Desired__Output } from '../../../proto/gen/secovia/v1/Desired.js';
import type { Host__Output } from '../../../proto/gen/secovia/v1/Host.js';
import type { MigrateVmResponse__Output } from '../../../proto/gen/secovia/v1/MigrateVmResponse.js';
import type { Operation__Output } from '../../../proto/gen/secovia/v1/Operation.js';
import type { Vm__Output } from '../../../proto/gen/secovia/v1/Vm.js';
import type { Scope } from '../scope.js';
import { eventually } from '../within.js';
import { type AgentOptions, inventory, type ScriptedAgent } from './agent.js';
import { adm, Federation, newVm } from './federation.js';

export const onPool = {
  vcpus: 1,
  memoryMib: 128,
  diskMib: 200,
  image: 'images/tiny',
  storagePool: 'storagePools/san',
};

/** A machine whose libvirt takes running VMs over. */
export const handsOver = (host: string) => ({
  inventory: { ...inventory(), migrationUri: `qemu+tls://${host}.test/system` },
});

export const isRole = (role: string) => (desired: Desired__Output) => desired.role === role;

export const operationOf = ({ operation }: MigrateVmResponse__Output) => operation?.name ?? '';

export class MoveWorld {
  readonly agents = new Map<string, ScriptedAgent>();

  private constructor(readonly federation: Federation) {}

  /** These hosts mount the pool. */
  static async start(
    t: Scope,
    hosts: readonly string[],
    options: (host: string) => AgentOptions = () => ({}),
  ): Promise<MoveWorld> {
    const world = new MoveWorld(await Federation.start(t, ['--lease-ms', '300000']));
    for (const host of hosts) {
      world.agents.set(host, await world.federation.host(host, options(host)));
      await world.federation.hostBecomes(host, 'HOST_STATE_READY');
    }
    await world.api.call('CreateStoragePool', {
      storagePoolId: 'san',
      storagePool: {
        kind: 'STORAGE_POOL_KIND_SHARED',
        site: 'sites/zagreb',
        path: '/srv/san',
        hosts: hosts.map((host) => `hosts/${host}`),
        capacityMib: 100_000,
      },
    });
    return world;
  }

  get api() {
    return this.federation.api;
  }

  agent(host: string): ScriptedAgent {
    return this.agents.get(host) as ScriptedAgent;
  }

  /** A VM that runs on this host; gives its name. */
  async running(vmId: string, host: string, change: NonNullable<Parameters<Federation['vm']>[1]> = {}) {
    const others = [...this.agents.keys()].filter((each) => each !== host);
    for (const other of others) await this.api.call('CordonHost', { name: `hosts/${other}` });
    const { vm } = await this.api.call('CreateVm', newVm(vmId, { spec: onPool, ...change }));
    for (const other of others) await this.api.call('UncordonHost', { name: `hosts/${other}` });
    const name = vm?.name ?? '';
    const agent = this.agent(host);
    agent.answer(await agent.desired(vmId, ({ vmName }) => vmName === name));
    await this.federation.becomes(
      name,
      'runs',
      ({ state, operation }) => state === 'VM_STATE_RUNNING' && operation === '',
    );
    return name;
  }

  migrate(name: string, change: object = {}) {
    return this.api.call('MigrateVm', { name, mode: 'MIGRATION_MODE_COLD', ...change });
  }

  async host(host: string): Promise<Host__Output> {
    return (await this.api.call('GetHost', { name: `hosts/${host}` })).host as Host__Output;
  }

  hostIs(host: string, what: string, satisfies: (host: Host__Output) => boolean): Promise<Host__Output> {
    return eventually(`host ${host} ${what}`, () => this.host(host), satisfies);
  }

  /** How many VMs each of these holds. */
  async held(...hosts: string[]): Promise<(number | undefined)[]> {
    return Promise.all(hosts.map(async (host) => (await this.host(host)).claimed?.vms));
  }

  async heldInQuota(): Promise<number | undefined> {
    return (await this.api.call('GetAdministration', { name: adm })).administration?.claimed?.vms;
  }

  ended(operation: string): Promise<Operation__Output> {
    return eventually(
      `${operation} ends`,
      async () => (await this.api.call('GetOperation', { name: operation })).operation as Operation__Output,
      ({ done }) => done,
    );
  }

  vm(name: string): Promise<Vm__Output> {
    return this.federation.get(name);
  }
}
