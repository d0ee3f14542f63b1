/** Things of the contract as a scheduler would send them, for scripts. */
import type { Host } from '../../proto/gen/secovia/v1/Host.js';
import type { Operation } from '../../proto/gen/secovia/v1/Operation.js';
import type { Vm } from '../../proto/gen/secovia/v1/Vm.js';
import { nowMs } from './run-cli.js';

export const webUid = '6f1f3c1e-0b0a-4f6e-9f53-1f6d2f5f0001';

/** A moment some time ago, as the wire has it. */
export function ago(seconds: number): { seconds: number; nanos: number } {
  return { seconds: nowMs / 1000 - seconds, nanos: 0 };
}

export function vm(over: Vm = {}): Vm {
  return {
    name: 'administrations/city/vms/web',
    uid: webUid,
    title: 'Front page',
    labels: { env: 'prod' },
    spec: { vcpus: 2, memoryMib: 2048, diskMib: 10_240, image: 'images/tiny', storagePool: '' },
    policy: {
      onLeaseLoss: 'LEASE_LOSS_POLICY_KEEP',
      onGuestShutdown: 'GUEST_SHUTDOWN_POLICY_STAY_STOPPED',
      rebuildable: false,
    },
    placement: { sites: [], countries: [], excludedHosts: [] },
    desiredPowerState: 'POWER_STATE_RUNNING',
    state: 'VM_STATE_RUNNING',
    stateTime: ago(180),
    lastKnownState: 'VM_STATE_RUNNING',
    host: 'hosts/sofia-1-a',
    site: 'sites/sofia-1',
    dataClass: 'dataClasses/internal',
    generation: 1,
    observedGeneration: 1,
    term: 1,
    etag: '"7"',
    createTime: ago(3600 * 5),
    updateTime: ago(180),
    ...over,
  };
}

export function operation(over: Operation = {}): Operation {
  return {
    name: 'operations/op-1',
    verb: 'create',
    state: 'OPERATION_STATE_RUNNING',
    done: false,
    targets: [`vms/${webUid}`],
    targetCount: 1,
    succeededCount: 0,
    failedCount: 0,
    progress: '',
    createTime: ago(2),
    ...over,
  };
}

/** The same operation, ended well after two seconds. */
export function succeeded(over: Operation = {}): Operation {
  return operation({
    state: 'OPERATION_STATE_SUCCEEDED',
    done: true,
    succeededCount: 1,
    endTime: ago(0),
    ...over,
  });
}

export function host(over: Host = {}): Host {
  return {
    name: 'hosts/sofia-1-a',
    site: 'sites/sofia-1',
    rack: 'r1',
    state: 'HOST_STATE_READY',
    stateTime: ago(600),
    capacity: { vcpus: 8, memoryMib: 16_384, diskMib: 102_400, vms: 0, extras: {} },
    claimed: { vcpus: 3, memoryMib: 2560, diskMib: 20_480, vms: 2, extras: {} },
    inventory: {
      architecture: 'x86_64',
      cpuModel: 'EPYC',
      accelerators: ['kvm'],
      sockets: 1,
      coresPerSocket: 4,
      threadsPerCore: 2,
      numaCells: [{ id: 0, cpus: 8, memoryMib: 18_432, hugepages: [] }],
      networkInterfaces: [{ name: 'eth0', mac: '52:54:00:00:00:01', speedMbps: 10_000, state: 'up' }],
      filesystems: [{ mount: '/', type: 'ext4', sizeMib: 204_800, availableMib: 150_000 }],
      total: { vcpus: 8, memoryMib: 18_432, diskMib: 110_000, vms: 0, extras: {} },
      reserved: { vcpus: 0, memoryMib: 2048, diskMib: 7600, vms: 0, extras: {} },
      libvirtVersion: '9.0.0',
      hostname: 'a.sofia.example',
    },
    etag: '"3"',
    createTime: ago(86_400 * 3),
    ...over,
  };
}
