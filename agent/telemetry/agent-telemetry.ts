/**
 * The agent's numbers for Prometheus. What happens is counted where it happens; what is there is read from the same status
 * that `secovia-agent status` shows, when somebody asks. VMs are counted by state, and none is named.
 */
import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { tallied } from '../../proto/tally.js';
import type { Telemetry } from '../../proto/telemetry-endpoint.js';
import type { EffectResult } from '../converge/effects.js';
import type { AgentStatus } from '../status/snapshot.js';
import type { HypervisorObserver } from './observed-hypervisor.js';

/** Hears of what the shell does. */
export interface ShellObserver {
  /** A step of the converger was carried out, or failed. */
  performed(step: string, result: EffectResult): void;
  linked(): void;
  unlinked(): void;
}

const callBuckets = [1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60];

const resources = { vcpus: 'vcpus', memoryMib: 'memory_mib', diskMib: 'disk_mib' } as const;

export interface AgentNumbers {
  status: AgentStatus;
  /** VMs that this host may have. */
  permits: number;
}

export class AgentTelemetry implements Telemetry, HypervisorObserver, ShellObserver {
  readonly #registry = new Registry();
  readonly #steps;
  readonly #calls;
  readonly #callSeconds: Histogram<'call'>;
  readonly #links;
  readonly #gauges = new Map<string, Gauge>();
  #read: (() => AgentNumbers) | null = null;

  constructor(version: string) {
    const registry = this.#registry;
    collectDefaultMetrics({ register: registry });
    this.#gauge('build_info', 'Always 1; which version runs.', ['version', 'node']).set(
      { version, node: process.version },
      1,
    );
    this.#steps = tallied(
      registry,
      'secovia_agent_steps_total',
      'Steps towards what is desired, by how they ended.',
      ['step', 'outcome'],
    );
    this.#calls = tallied(
      registry,
      'secovia_agent_hypervisor_calls_total',
      'Calls of the hypervisor, by how they ended.',
      ['call', 'outcome'],
    );
    this.#callSeconds = new Histogram({
      name: 'secovia_agent_hypervisor_call_seconds',
      help: 'How long calls of the hypervisor took.',
      labelNames: ['call'],
      buckets: callBuckets,
      registers: [registry],
    });
    this.#links = tallied(
      registry,
      'secovia_agent_link_changes_total',
      'How often the link to the scheduler came up, and went down.',
      ['to'],
    );
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** From now on there is something to be read. */
  watch(read: () => AgentNumbers): void {
    this.#read = read;
  }

  performed(step: string, result: EffectResult): void {
    this.#steps.add(step, result.ok ? 'done' : result.fault.kind);
  }

  linked(): void {
    this.#links.add('up');
  }

  unlinked(): void {
    this.#links.add('down');
  }

  hypervisorCalled(call: string, outcome: string, tookMs: number): void {
    this.#calls.add(call, outcome);
    this.#callSeconds.observe({ call }, tookMs / 1000);
  }

  unready(): string[] {
    if (this.#read === null) return ['it is starting'];
    const { link, libvirt } = this.#read().status;
    return [
      ...(link.state === 'linked' ? [] : [`there is no link to the scheduler: ${link.reason || link.state}`]),
      ...(libvirt.available ? [] : [`libvirt does not answer: ${libvirt.error}`]),
    ];
  }

  async metrics(): Promise<string> {
    if (this.#read !== null) this.#show(this.#read());
    return this.#registry.metrics();
  }

  #show({ status, permits }: AgentNumbers): void {
    const { link, libvirt, certificate, images, guests, capacity } = status;
    const isReady = link.state === 'linked' && libvirt.available;
    this.#set('ready', '1 while it is linked to its scheduler and libvirt answers.', isReady ? 1 : 0);
    this.#set('link_up', '1 while it is linked to its scheduler.', link.state === 'linked' ? 1 : 0);
    this.#set(
      'lease_left_seconds',
      'What is left of its lease; negative when that has ended, and nothing when it never had one.',
      link.leaseEndsInMs === null ? null : link.leaseEndsInMs / 1000,
    );
    this.#set('waiting_messages', 'What waits to be told to the scheduler.', link.waitingMessages);
    this.#set('libvirt_available', '1 while libvirt answers.', libvirt.available ? 1 : 0);
    this.#set(
      'certificate_left_seconds',
      'What is left of its certificate; nothing without TLS.',
      certificate === null ? null : certificate.endsInMs / 1000,
    );
    this.#set('permits', 'VMs that this host may have.', permits);
    this.#set('foreign_domains', 'Domains that are not of this federation.', status.foreignDomains);
    this.#set('orphans', 'Domains and volumes of VMs that should not be here.', status.orphans.length);
    this.#set('images', 'Images that are kept.', images.length);
    this.#set(
      'images_bytes',
      'What the images take that are kept.',
      images.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    );
    const vms = this.#gauge('vms', 'VMs, by the state in which they are seen.', ['state']);
    vms.reset();
    for (const { state } of guests) vms.inc({ state });
    const offered = this.#gauge('capacity', 'What this machine has; memory and disk in MiB.', ['resource']);
    const claimed = this.#gauge('claimed', 'What VMs hold of it.', ['resource']);
    for (const key of Object.keys(resources) as (keyof typeof resources)[]) {
      offered.set({ resource: resources[key] }, capacity.total[key]);
      claimed.set({ resource: resources[key] }, capacity.claimed[key]);
    }
  }

  /** Null shows nothing. */
  #set(name: string, help: string, value: number | null): void {
    const gauge = this.#gauge(name, help, []);
    if (value === null) gauge.remove();
    else gauge.set(value);
  }

  #gauge(name: string, help: string, labelNames: string[]): Gauge {
    let gauge = this.#gauges.get(name);
    if (gauge === undefined) {
      gauge = new Gauge({ name: `secovia_agent_${name}`, help, labelNames, registers: [this.#registry] });
      this.#gauges.set(name, gauge);
    }
    return gauge;
  }
}
