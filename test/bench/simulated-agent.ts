/**
 * An agent without a host: the real link machine, with its leases, pauses and reports, over a connection of its own, and
 * VMs that do at once what is desired of them.
 */
import { isNewerCheckpoint, type Checkpoint, type Epoch } from '../../agent/converge/epoch.js';
import type { VmObservation } from '../../agent/converge/observation.js';
import { LinkMachine, type LinkOutput } from '../../agent/link/link-machine.js';
import type { LinkStream, Transport } from '../../agent/link/transport.js';
import {
  checkpointMessage,
  epochMessage,
  observationMessage,
  protocolVersion,
} from '../../agent/link/wire.js';
import type { Desired__Output } from '../../proto/gen/secovia/v1/Desired.js';
import type { HostInventory } from '../../proto/gen/secovia/v1/HostInventory.js';
import type { LinkRequest } from '../../proto/gen/secovia/v1/LinkRequest.js';
import type { Report } from '../../proto/gen/secovia/v1/Report.js';
import type { Resources } from '../../scheduler/core/model.js';
import type { AgentIdentity } from './agents-federation.js';

/** What has become of all agents of a process. */
export interface AgentsTally {
  linked: number;
  /** Of those that are linked, with a lease that was granted on this link. */
  leased: number;
  /** When the newest of these was granted, in milliseconds since 1970. */
  leasedMs: number;
  /** Grants that came when the lease before had ended. */
  lapsed: number;
  /** For how long an agent had none, at most. */
  longestLapseMs: number;
  /** VMs that are said to run. */
  running: number;
  /** What went wrong, by its words. */
  problems: Record<string, number>;
}

const usualTotal: Resources = { vcpus: 64, memoryMib: 262_144, diskMib: 4_000_000, vms: 200 };

/** On a machine of two cells, as many agents have it. */
export function inventoryOf(host: string, total = usualTotal): HostInventory {
  const { vcpus, memoryMib } = total;
  const cell = (id: number) => ({ id, cpus: vcpus / 2, memoryMib: memoryMib / 2, hugepages: [] });
  return {
    ...{ architecture: 'x86_64', cpuModel: 'Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz', hostname: host },
    ...{ sockets: 2, coresPerSocket: 16, threadsPerCore: 2, accelerators: ['kvm', 'tcg'] },
    cpuFeatures: Array.from({ length: 80 }, (_, index) => `feature-${index}`),
    numaCells: [cell(0), cell(1)],
    networkInterfaces: [0, 1].map((index) => ({ name: `ens${index}`, mac: `52:54:00:00:00:0${index}` })),
    filesystems: [{ mount: '/var', type: 'xfs', sizeMib: 4_000_000, availableMib: 3_500_000 }],
    total,
    reserved: { vcpus: 2, memoryMib: 8192, diskMib: 20_000, vms: 0 },
    ...{
      libvirtVersion: '11.3.0',
      hypervisorVersion: '10.0.2',
      agentVersion: '1.0.0',
      kernelVersion: '6.12',
    },
    bindsToCells: true,
  };
}

export class SimulatedAgent {
  readonly #link = new LinkMachine({ highestEpoch: () => this.#epoch, random: Math.random });
  readonly #vms = new Map<string, VmObservation>();
  #epoch: Epoch | null = null;
  #checkpoint: Checkpoint | null = null;
  #stream: LinkStream | null = null;
  #timer: NodeJS.Timeout | undefined;
  #wakeAt = 0;
  /** When the newest lease was granted, and until when it is good, as the agent counts. */
  #grantedAt: number | null = null;
  #expiresAt: number | null = null;
  #isLeased = false;

  constructor(
    private readonly identity: Pick<AgentIdentity, 'host' | 'machineId' | 'total'>,
    private readonly transport: Transport,
    private readonly tally: AgentsTally,
  ) {}

  start(): void {
    this.#link.start(performance.now());
    this.#settle();
  }

  #connect(): void {
    const heard = (work: (now: number) => void) => {
      if (this.#stream !== stream) return;
      work(performance.now());
      this.#settle();
    };
    const stream = this.transport.open({
      opened: () => heard((now) => this.#link.opened(now)),
      received: (response) => heard((now) => this.#link.received(response, now)),
      writable: () => heard(() => this.#link.writable()),
      ended: (reason) => heard((now) => this.#link.ended(reason, now)),
    });
    this.#stream = stream;
  }

  #settle(): void {
    for (let outputs = this.#link.takeOutputs(); outputs.length > 0; outputs = this.#link.takeOutputs()) {
      for (const output of outputs) this.#carryOut(output);
    }
    const { leaseGrantedAt, leaseExpiresAt } = this.#link.status();
    if (leaseGrantedAt !== this.#grantedAt && leaseGrantedAt !== null) {
      this.#granted(leaseGrantedAt);
      this.#expiresAt = leaseExpiresAt;
    }
    const wakeAt = this.#link.nextWakeAt() ?? Number.POSITIVE_INFINITY;
    if (wakeAt === this.#wakeAt) return;
    this.#wakeAt = wakeAt;
    clearTimeout(this.#timer);
    if (wakeAt === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(() => this.#wake(), Math.max(1, Math.ceil(wakeAt - performance.now())));
  }

  #wake(): void {
    this.#wakeAt = 0;
    this.#link.tick(performance.now());
    this.#settle();
  }

  #granted(now: number): void {
    const { tally } = this;
    this.#grantedAt = now;
    if (!this.#isLeased) {
      this.#isLeased = true;
      tally.leased += 1;
      tally.leasedMs = Date.now();
    }
    if (this.#expiresAt === null || now <= this.#expiresAt) return;
    tally.lapsed += 1;
    tally.longestLapseMs = Math.max(tally.longestLapseMs, now - this.#expiresAt);
  }

  #carryOut(output: LinkOutput): void {
    const { tally } = this;
    switch (output.kind) {
      case 'connect':
        this.#stream?.close();
        this.#connect();
        return;
      case 'disconnect':
        this.#stream?.close();
        this.#stream = null;
        return;
      case 'send':
        if (this.#stream?.send(output.request) === false) this.#link.congested();
        return;
      case 'hello':
        this.#link.greet(this.#hello(), [...this.#vms.values()]);
        return;
      case 'linked':
        tally.linked += 1;
        // As the agent's core does: what it reports may have changed since.
        this.#link.report(this.#report());
        return;
      case 'unlinked':
        tally.linked -= 1;
        if (this.#isLeased) tally.leased -= 1;
        this.#isLeased = false;
        this.#count(`the link was lost: ${output.reason}`);
        return;
      case 'epoch':
        this.#epoch = output.epoch;
        return;
      case 'checkpoint':
        if (isNewerCheckpoint(this.#checkpoint, output.checkpoint)) this.#checkpoint = output.checkpoint;
        return;
      case 'desired':
        this.#obey(output.desired);
        return;
      case 'reportDue':
        this.#link.report(this.#report());
        return;
      case 'problem':
        this.#count(output.message);
        return;
      case 'synced':
      case 'fenceOrder':
        return;
    }
  }

  #count(problem: string): void {
    const { problems } = this.tally;
    problems[problem] = (problems[problem] ?? 0) + 1;
  }

  #obey({ uid, term, generation, role, rebootCount }: Desired__Output): void {
    const runs = role === 'VM_ROLE_RUN';
    const seen: VmObservation = {
      ...{ uid, term, generation, rebootCount, toldGeneration: generation, error: null, progress: '' },
      state: runs ? 'running' : role === 'VM_ROLE_STOPPED' ? 'stopped' : 'absent',
      sinceWallMs: Date.now(),
    };
    if (this.#vms.get(uid)?.state === 'running') this.tally.running -= 1;
    if (runs) this.tally.running += 1;
    if (seen.state === 'absent') this.#vms.delete(uid);
    else this.#vms.set(uid, seen);
    this.#link.observe(seen);
  }

  #hello(): LinkRequest {
    const { host, machineId, total } = this.identity;
    return {
      hello: {
        ...{ host: `hosts/${host}`, machineId, bootId: `boot-of-${host}`, instance: host, protocolVersion },
        epoch: epochMessage(this.#epoch),
        checkpoint: checkpointMessage(this.#checkpoint),
        inventory: inventoryOf(host, total),
        observations: [...this.#vms.values()].map(observationMessage),
        report: this.#report(),
      },
    };
  }

  #report(): Report {
    return {
      ...{ libvirtAvailable: true, libvirtError: '', foreignDomains: 0, orphans: [], fenceTargets: [] },
      memoryUsedMib: 20_000 + Math.floor(Math.random() * 10_000),
      cpuPercent: Math.floor(Math.random() * 100),
      diskAvailableMib: 3_500_000,
      inventory: null,
    };
  }
}
