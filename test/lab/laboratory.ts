/**
 * The laboratory as tests use it: a federation of real hosts that is brought up once for all files of this folder, the
 * contract's clients, and what libvirt itself says on each host. `deploy/lab/lab` does the work, as it does for people.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as grpc from '@grpc/grpc-js';
import type { Operation__Output } from '../../proto/gen/secovia/v1/Operation.js';
import type { Host__Output } from '../../proto/gen/secovia/v1/Host.js';
import type { Vm, Vm__Output } from '../../proto/gen/secovia/v1/Vm.js';
import { readCredentials, secureChannel } from '../../proto/credentials.js';
import { v1 } from '../../proto/index.js';
import { labCommand, labDirectory } from './place.js';

const execute = promisify(execFile);

const cli = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

/** Long enough for a loaded machine; a condition that holds ends the wait at once. */
const patienceMs = 90_000;

export async function lab(...args: string[]): Promise<string> {
  const environment = { ...process.env, SECOVIA_LAB_DIR: labDirectory };
  const { stdout } = await execute(labCommand, args, { env: environment, maxBuffer: 2 ** 26 });
  return stdout;
}

/** Waits until the probe gives something other than null, undefined or false. */
export async function until<T>(
  what: string,
  probe: () => Promise<T | null | undefined | false>,
  withinMs = patienceMs,
): Promise<T> {
  const deadline = Date.now() + withinMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await probe();
      if (value !== null && value !== undefined && value !== false) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    if (Date.now() > deadline) throw new Error(`${what}: not within ${withinMs} ms; last: ${String(last)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

type Unary = (request: never, callback: (error: grpc.ServiceError | null, value?: never) => void) => unknown;

/** A domain as `virsh` shows it. */
export interface Domain {
  host: string;
  uuid: string;
  state: string;
}

export class Laboratory {
  readonly vms: InstanceType<typeof v1.VmService>;
  readonly hosts: InstanceType<typeof v1.HostService>;
  readonly operations: InstanceType<typeof v1.OperationService>;

  private constructor(
    readonly server: string,
    /** The administrator's folder of credentials. */
    readonly identity: string,
    readonly hostNames: string[],
  ) {
    const { credentials, options: secure } = secureChannel(readCredentials(identity));
    // Tests kill the scheduler: a client must try again at once, not after grpc's patient backoff.
    const options = {
      ...secure,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 500,
    };
    this.vms = new v1.VmService(server, credentials, options);
    this.hosts = new v1.HostService(server, credentials, options);
    this.operations = new v1.OperationService(server, credentials, options);
  }

  /** Brings the laboratory up, or finds it up, with every host ready, an administration `split` and an image `tiny`. */
  static async up(): Promise<Laboratory> {
    await lab('up');
    const exported = await lab('env');
    const read = (name: string) => new RegExp(`${name}=['"]?([^'"\\s]+)`).exec(exported)?.[1];
    const server = read('SECOVIA_SERVER');
    const identity = read('SECOVIA_IDENTITY');
    const image = read('SECOVIA_LAB_IMAGE');
    if (server === undefined || identity === undefined || image === undefined)
      throw new Error(`the laboratory's env lacks something: ${exported}`);
    const { credentials, options } = secureChannel(readCredentials(identity));
    const first = new v1.HostService(server, credentials, options);
    const names = await until('the scheduler answers', async () => {
      const { hosts } = await new Promise<{ hosts: { name: string }[] }>((resolve, reject) => {
        first.listHosts({}, (error, value) => (error || !value ? reject(error) : resolve(value)));
      });
      return hosts.map(({ name }) => name.slice('hosts/'.length));
    });
    first.close();
    const laboratory = new Laboratory(server, identity, names);
    await laboratory.allReady();
    await laboratory.furnish(image);
    return laboratory;
  }

  close(): void {
    this.vms.close();
    this.hosts.close();
    this.operations.close();
  }

  /** A unary call, tried again while the scheduler is not there; the request id makes that safe. */
  async call<Req extends object, Res>(
    method: (request: Req, callback: (error: grpc.ServiceError | null, value?: Res) => void) => unknown,
    request: Req,
  ): Promise<Res> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      try {
        return await this.once(method, request);
      } catch (error) {
        const { code } = error as grpc.ServiceError;
        if (code !== grpc.status.UNAVAILABLE || Date.now() > deadline) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  /** A unary call, once. */
  once<Req extends object, Res>(
    method: (request: Req, callback: (error: grpc.ServiceError | null, value?: Res) => void) => unknown,
    request: Req,
  ): Promise<Res> {
    return new Promise((resolve, reject) => {
      (method as Unary)(
        request as never,
        ((error: grpc.ServiceError | null, value?: Res) => {
          if (error || value === undefined) reject(error);
          else resolve(value);
        }) as never,
      );
    });
  }

  /** Waits for an operation's end and gives it. */
  async ended(name: string): Promise<Operation__Output> {
    return until(`${name} ends`, async () => {
      const { operation } = await this.call(this.operations.waitOperation.bind(this.operations), {
        name,
        timeout: { seconds: 30 },
      });
      return operation?.done ? operation : null;
    });
  }

  /** A new VM, once it runs, with the name of its host. */
  async running(vmId: string, change: Vm = {}): Promise<{ name: string; uid: string; host: string }> {
    const { vm, operation } = await this.call(this.vms.createVm.bind(this.vms), {
      parent,
      vmId,
      vm: { spec: tiny, ...change },
    });
    const ended = await this.ended(operation?.name ?? '');
    if (!vm || ended.state !== 'OPERATION_STATE_SUCCEEDED') throw new Error(JSON.stringify(ended));
    return { name: vm.name, uid: vm.uid, host: vm.host.slice('hosts/'.length) };
  }

  async vm(name: string): Promise<Vm__Output> {
    const { vm } = await this.call(this.vms.getVm.bind(this.vms), { name });
    if (!vm) throw new Error(`no VM in the answer for ${name}`);
    return vm;
  }

  async host(name: string): Promise<Host__Output> {
    const { host } = await this.call(this.hosts.getHost.bind(this.hosts), { name: `hosts/${name}` });
    if (!host) throw new Error(`no host ${name} in the answer`);
    return host;
  }

  /** Waits until a VM runs on this host. */
  async runsOn(name: string, host: string): Promise<Vm__Output> {
    return until(`the VM runs on ${host}`, async () => {
      const vm = await this.vm(name);
      return vm.host === `hosts/${host}` && vm.state === 'VM_STATE_RUNNING' && vm;
    });
  }

  /** Waits until a host is there again, and has taken away what lives elsewhere now. */
  async hasNothingLeft(name: string): Promise<void> {
    await until(`${name} has nothing left`, async () => {
      const { state, leftoverVms } = await this.host(name);
      return state === 'HOST_STATE_READY' && leftoverVms === 0;
    });
  }

  async allVms(): Promise<Vm__Output[]> {
    const list = this.vms.listVms.bind(this.vms);
    const { vms } = await this.call(list, { parent: 'administrations/-', pageSize: 1000 });
    return vms;
  }

  async allReady(): Promise<void> {
    await until('every host is ready', async () => {
      const { hosts } = await this.call(this.hosts.listHosts.bind(this.hosts), {});
      return hosts.length > 0 && hosts.every(({ state }) => state === 'HOST_STATE_READY');
    });
  }

  /** Waits until either neighbour can power the other one off. */
  async fencesAreReady(): Promise<void> {
    for (const name of neighbours) {
      await until(
        `${name} knows its controller`,
        async () => (await this.host(name)).inventory?.controllerGuid,
      );
      await until(`${other(name)} can fence ${name}`, async () => {
        const status = await lab('host', other(name), 'status', '--json').catch(
          ({ stdout }: { stdout: string }) => stdout,
        );
        const { fencing } = JSON.parse(status) as {
          fencing: { targets: { host: string; problem: string }[] };
        };
        return fencing.targets.some(({ host, problem }) => host === name && problem === '');
      });
    }
  }

  /** Every domain on every host, as libvirt there says. */
  async domains(): Promise<Domain[]> {
    const found = await Promise.all(this.hostNames.map((host) => this.domainsOf(host)));
    return found.flat();
  }

  async domainsOf(host: string): Promise<Domain[]> {
    const uuids = (await lab('host', host, 'virsh', '-q', 'list', '--all', '--uuid'))
      .split('\n')
      .filter(Boolean);
    return Promise.all(
      uuids.map(async (uuid) => {
        const state = await lab('host', host, 'virsh', '-q', 'domstate', uuid).catch(() => 'gone');
        return { host, uuid, state: state.trim() };
      }),
    );
  }

  /** What `secovia-agent status` prints on a host, which may be in trouble, or not answer at once. */
  async agentStatus(host: string, ...options: string[]): Promise<string> {
    return lab('host', host, 'status', ...options).catch((error: { stdout: string }) => error.stdout);
  }

  /** Deletes every VM and waits until libvirt has none of them either. */
  async clear(): Promise<void> {
    const { NOT_FOUND, FAILED_PRECONDITION } = grpc.status;
    await until('no VM is left', async () => {
      const left = await this.allVms();
      for (const { uid } of left) {
        await this.call(this.vms.deleteVm.bind(this.vms), { name: `vms/${uid}` }).catch(
          (error: grpc.ServiceError) => {
            // It is gone meanwhile; or it is on its way to another host, and can be deleted when it is there.
            if (error.code !== NOT_FOUND && error.code !== FAILED_PRECONDITION) throw error;
          },
        );
      }
      return left.length === 0;
    });
    await until('no domain is left', async () => (await this.domains()).length === 0);
  }

  /** The `secovia` command, as a person types it. */
  async secovia(...args: string[]): Promise<string> {
    const environment = { ...process.env, SECOVIA_SERVER: this.server, SECOVIA_IDENTITY: this.identity };
    const { stdout } = await execute(process.execPath, [cli, ...args], { env: environment });
    return stdout;
  }

  private async furnish(image: string): Promise<void> {
    await this.secovia('image', 'show', 'tiny').catch(() =>
      this.secovia('image', 'add', 'tiny', '--source', `file://${image}`),
    );
    await this.secovia('administration', 'show', 'tests').catch(() =>
      this.secovia('administration', 'create', 'tests', '--country', 'HR', '--title', 'Град Сплит'),
    );
    // Whom partners serve is tested elsewhere: here every host is to have VMs.
    await this.secovia('partner', 'update', 'vardar', '--open');
  }
}

/** The QEMU process of a VM on a host. */
export async function processOf(host: string, uid: string): Promise<string> {
  return (await lab('host', host, 'exec', 'pgrep', '-f', `qemu.*${uid}`)).trim();
}

/** The site with two hosts, which mount its pool and are each other's neighbours. */
export const site = 'zagreb';
export const neighbours = [`${site}-1`, `${site}-2`];
export const other = (name: string): string => neighbours.find((each) => each !== name) ?? '';

/** A small VM of the laboratory's tiny image. */
export const tiny = { vcpus: 1, memoryMib: 128, diskMib: 1024, image: 'images/tiny' };
export const parent = 'administrations/tests';

/** A VM that restarts on the neighbour of its host when that is lost. */
export const mobile = {
  spec: { ...tiny, storagePool: `storagePools/${site}-shared` },
  policy: { onHostLoss: 'HOST_LOSS_POLICY_RESTART' as const },
  placement: { sites: [`sites/${site}`] },
};
