/** A scheduler with something in it, for tests that need more than an empty one. */
import { randomUUID } from 'node:crypto';
import type { Scope } from '../scope.js';
import type { CreateVmRequest } from '../../../proto/gen/secovia/v1/CreateVmRequest.js';
import type { Vm__Output } from '../../../proto/gen/secovia/v1/Vm.js';
import { machineIdOf, ScriptedAgent, type AgentOptions } from './agent.js';
import { Api } from './client.js';
import { SchedulerProcess } from './scheduler-process.js';
import { eventually } from '../within.js';

export const tinyImage = {
  digest: `sha256:${'ab'.repeat(32)}`,
  format: 'IMAGE_FORMAT_QCOW2',
  sizeBytes: 4_000_000,
  virtualSizeMib: 100,
  source: 'https://images.test/tiny.qcow2',
  architecture: 'x86_64',
} as const;

export const adm = 'administrations/adm';

/** A request for a small VM. */
export function newVm(
  vmId: string,
  change: Partial<NonNullable<CreateVmRequest['vm']>> = {},
): CreateVmRequest {
  const spec = { vcpus: 1, memoryMib: 128, diskMib: 200, image: 'images/tiny' };
  return { parent: adm, vmId, vm: { spec, ...change }, requestId: randomUUID() };
}

export class Federation {
  private constructor(
    readonly scheduler: SchedulerProcess,
    readonly api: Api,
  ) {}

  /** A scheduler with one site, one administration and one image. */
  static async start(t: Scope, flags: string[] = []): Promise<Federation> {
    const scheduler = await SchedulerProcess.start(t, { flags });
    const api = new Api(scheduler.address);
    t.teardown(() => api.close());
    const federation = new Federation(scheduler, api);
    await federation.site('zagreb');
    const administration = { title: 'Adm', country: 'HR' };
    await api.call('CreateAdministration', { administrationId: 'adm', administration });
    await api.call('CreateImage', { imageId: 'tiny', image: tinyImage });
    return federation;
  }

  async site(siteId: string, country = 'HR'): Promise<void> {
    await this.api.call('CreateSite', { siteId, site: { partner: 'partner', country } });
  }

  /** A host whose agent is connected. */
  async host(
    name: string,
    options: AgentOptions & { site?: string; rack?: string } = {},
  ): Promise<ScriptedAgent> {
    const { site = 'zagreb', rack = '', ...hello } = options;
    await this.join(name, site, rack);
    return ScriptedAgent.connect(this.api, name, hello);
  }

  /** Another stream of a host that has joined. */
  reconnect(name: string, options: AgentOptions = {}): Promise<ScriptedAgent> {
    return ScriptedAgent.connect(this.api, name, options);
  }

  async join(hostId: string, site = 'zagreb', rack = ''): Promise<void> {
    await this.api.call('Join', { hostId, site: `sites/${site}`, rack, machineId: machineIdOf(hostId) });
  }

  async vm(vmId: string, change: Partial<NonNullable<CreateVmRequest['vm']>> = {}): Promise<Vm__Output> {
    const { vm } = await this.api.call('CreateVm', newVm(vmId, change));
    return vm as Vm__Output;
  }

  async get(name: string): Promise<Vm__Output> {
    return (await this.api.call('GetVm', { name })).vm as Vm__Output;
  }

  /** The VM as soon as it satisfies. */
  becomes(name: string, what: string, satisfies: (vm: Vm__Output) => boolean): Promise<Vm__Output> {
    return eventually(`${name} ${what}`, () => this.get(name), satisfies);
  }

  async hostState(host: string): Promise<string> {
    return (await this.api.call('GetHost', { name: `hosts/${host}` })).host?.state ?? '';
  }

  hostBecomes(host: string, state: string): Promise<string> {
    return eventually(
      `host ${host} becomes ${state}`,
      () => this.hostState(host),
      (now) => now === state,
    );
  }
}
