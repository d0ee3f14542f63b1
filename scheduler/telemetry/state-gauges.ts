/** What the state has, as gauges: by site and state, never by host or VM, so that how many there are stays bounded. */
import { Gauge, type Registry } from 'prom-client';
import type { State } from '../core/state.js';
import { countedResources } from '../core/tenancy/holdings.js';
import { scopeKey } from '../core/tenancy/scope.js';
import type { Survey } from './survey.js';

/** Administrations at the top have few quotas; what would be beyond this is left out. */
const mostQuotas = 500;

const resourceLabels = { vcpus: 'vcpus', memoryMib: 'memory_mib', diskMib: 'disk_mib', vms: 'vms' } as const;

export class StateGauges {
  readonly #hosts: Gauge;
  readonly #vms: Gauge;
  readonly #silent: Gauge;
  readonly #alarms: Gauge;
  readonly #quotaUsed: Gauge;
  readonly #quotaLimit: Gauge;

  constructor(registry: Registry) {
    const gauge = (name: string, help: string, labelNames: string[]) =>
      new Gauge({ name, help, labelNames, registers: [registry] });
    this.#hosts = gauge('secovia_hosts', 'Hosts, by site and state.', ['site', 'state']);
    this.#vms = gauge('secovia_vms', 'VMs, by the state in which they were seen last.', ['state']);
    this.#silent = gauge('secovia_vms_on_silent_hosts', 'VMs on hosts of which nothing is heard.', []);
    this.#alarms = gauge('secovia_alarms', 'Alarms that are there now.', ['code', 'severity']);
    const labels = ['administration', 'scope', 'resource'];
    this.#quotaUsed = gauge(
      'secovia_quota_used',
      'What administrations at the top hold of their quotas; memory and disk in MiB.',
      labels,
    );
    this.#quotaLimit = gauge(
      'secovia_quota_limit',
      'The quotas of administrations at the top, with loans; memory and disk in MiB.',
      labels,
    );
  }

  survey({ hosts, vmsOnSilentHosts, alarms }: Survey): void {
    this.#hosts.reset();
    this.#silent.set(vmsOnSilentHosts);
    this.#alarms.reset();
    for (const [site, states] of hosts)
      for (const [state, count] of states) this.#hosts.set({ site, state }, count);
    for (const [code, severities] of alarms)
      for (const [severity, count] of severities) this.#alarms.set({ code, severity }, count);
  }

  vms({ vmStates }: State): void {
    for (const [state, count] of vmStates.counts) this.#vms.set({ state }, count);
  }

  quotas({ administrations, tenancy }: State): void {
    this.#quotaUsed.reset();
    this.#quotaLimit.reset();
    let left = mostQuotas;
    for (const { id: administration, parent } of administrations.values()) {
      if (parent !== null) continue;
      for (const { quota, limit, used } of tenancy.tree.node(administration).meters.values()) {
        if (left === 0) return;
        left -= 1;
        const scope = scopeKey(quota.scope);
        for (const key of countedResources) {
          const labels = { administration, scope, resource: resourceLabels[key] };
          this.#quotaUsed.set(labels, used[key]);
          if (limit[key] !== undefined) this.#quotaLimit.set(labels, limit[key]);
        }
      }
    }
  }
}
