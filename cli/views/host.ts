/** Hosts as people see them: what each has, how much of it VMs hold, and why it is not ready. */
import type { Host__Output } from '../../proto/gen/secovia/v1/Host.js';
import type { HostInventory__Output } from '../../proto/gen/secovia/v1/HostInventory.js';
import type { Resources__Output } from '../../proto/gen/secovia/v1/Resources.js';
import type { Paint } from '../output/colours.js';
import { stateTone } from '../output/colours.js';
import { type SheetRow, sheet } from '../output/sheet.js';
import type { Column } from '../output/table.js';
import { formatAge, formatMoment, timestampMs } from '../values/durations.js';
import { shortName } from '../values/names.js';
import { formatMib } from '../values/sizes.js';
import { drainRow, drainWords, obstacleLines } from './drain.js';
import { stateWord } from './enums.js';
import { cellRows } from './host-cells.js';
import { orphanLines } from './orphans.js';

export function hostColumns(nowMs: number): Column<Host__Output>[] {
  return [
    { head: 'NAME', value: (host) => shortName(host.name) },
    { head: 'SITE', value: (host) => shortName(host.site) },
    { head: 'RACK', value: (host) => host.rack },
    { head: 'STATE', value: (host) => stateWord(host.state), tone: (_host, value) => stateTone(value) },
    { head: 'VMS', value: (host) => String(host.claimed?.vms ?? 0), align: 'right' },
    { head: 'VCPUS', value: (host) => share(host, (amount) => amount.vcpus, String), align: 'right' },
    { head: 'MEMORY', value: (host) => share(host, (amount) => amount.memoryMib, formatMib), align: 'right' },
    { head: 'DISK', value: (host) => share(host, (amount) => amount.diskMib, formatMib), align: 'right' },
    { head: 'SINCE', value: (host) => formatAge(timestampMs(host.stateTime), nowMs), align: 'right' },
    { head: 'NOTE', value: hostNote },
  ];
}

/** `3/8`: held by VMs, of what there is for them; nothing to who may not see it. */
function share(
  host: Host__Output,
  pick: (amount: Resources__Output) => number,
  format: (value: number) => string,
): string {
  if (host.capacity === null) return '';
  return `${format(host.claimed === null ? 0 : pick(host.claimed))}/${format(pick(host.capacity))}`;
}

function hostNote(host: Host__Output): string {
  // A host that is drained is cordoned.
  const closed = drainWords(host.drain) || (host.cordoned ? 'cordoned' : '');
  return [host.revoked ? 'revoked' : '', closed, host.stateReason].filter(Boolean).join('; ');
}

export function hostSheet(host: Host__Output, nowMs: number, paint: Paint): string {
  return sheet(
    [
      ['Name', shortName(host.name)],
      ['Site', shortName(host.site)],
      ['Rack', host.rack],
      ['State', stateWord(host.state)],
      ['Since', formatMoment(timestampMs(host.stateTime), nowMs)],
      ['Reason', host.stateReason],
      ['Fence', fence(host, nowMs)],
      ['Watchdog', watchdog(host, nowMs)],
      ['Waiting VMs', host.waitingVms > 0 ? `${host.waitingVms}, which are to restart elsewhere` : ''],
      [
        'Left over',
        host.leftoverVms > 0
          ? `something of ${host.leftoverVms} VMs, which is taken away when its agent is there`
          : '',
      ],
      ['Cordoned', host.cordoned ? 'yes: nothing new is placed here' : ''],
      ['Drain', drainRow(host.drain, nowMs)],
      ['Cannot leave', obstacleLines(host.drain)],
      ['Traits', host.traits],
      ['Dedicated to', dedication(host)],
      ['vCPU overcommit', overcommit(host)],
      ['For VMs', amounts(host.capacity)],
      ['Held by VMs', amounts(host.claimed, true)],
      ...cellRows(host),
      ['Foreign domains', host.foreignDomains > 0 ? String(host.foreignDomains) : ''],
      ['Orphans', orphanLines(host)],
      ...(host.inventory === null ? [] : inventoryRows(host.inventory)),
      ['Certificates', certificates(host, nowMs)],
      ['Revoked', host.revoked ? 'yes: its certificates are refused until it enrols anew' : ''],
      ['Connected', formatMoment(timestampMs(host.connectTime), nowMs)],
      ['Lease until', formatMoment(timestampMs(host.leaseExpireTime), nowMs)],
      ['Etag', host.etag],
      ['Joined', formatMoment(timestampMs(host.createTime), nowMs)],
      ['Updated', formatMoment(timestampMs(host.updateTime), nowMs)],
    ],
    paint,
  );
}

/** `FAILED since 3 min ago, tried twice: WHY`. */
function fence({ fence: made }: Host__Output, nowMs: number): string {
  if (made === null) return '';
  const by = made.fencer === '' ? '' : ` by ${shortName(made.fencer)}`;
  const tries = made.attempts > 1 ? `, try ${made.attempts}` : '';
  return `${stateWord(made.state)}${by}${tries}, ${formatMoment(timestampMs(made.stateTime), nowMs)}: ${made.message}`;
}

function watchdog({ watchdog: found }: Host__Output, nowMs: number): string {
  if (found === null) return '';
  const { armed, timeout, problem, stopProvenTime } = found;
  if (stopProvenTime !== null) {
    return `VMs that stop with the lease are off here, ${formatMoment(timestampMs(stopProvenTime), nowMs)}`;
  }
  if (problem !== '') return `not armed: ${problem}`;
  return armed
    ? `armed, bites after ${timeout?.seconds ?? 0} s`
    : 'not armed: no VM here stops with the lease';
}

/** One line each, the newest last. */
function certificates({ certificates: all }: Host__Output, nowMs: number): string[] {
  return all.map(({ serial, expireTime, revokeTime }) => {
    const ended = (timestampMs(expireTime) ?? 0) <= nowMs;
    const until = formatMoment(timestampMs(expireTime), nowMs);
    const revoked = revokeTime === null ? '' : `, revoked ${formatMoment(timestampMs(revokeTime), nowMs)}`;
    return `${serial} ${ended ? 'ended' : 'until'} ${until}${revoked}`;
  });
}

function dedication({ dedicatedTo }: Host__Output): string {
  return dedicatedTo === '' ? '' : `${shortName(dedicatedTo)} and those below it`;
}

function overcommit({ vcpuOvercommitPercent }: Host__Output): string {
  return vcpuOvercommitPercent === 0 ? 'as its site says' : `${vcpuOvercommitPercent}%`;
}

function inventoryRows(found: HostInventory__Output): SheetRow[] {
  const shape = `${found.sockets} x ${found.coresPerSocket} cores x ${found.threadsPerCore} threads`;
  return [
    ['Whole machine', amounts(found.total)],
    ['Kept for the system', amounts(found.reserved)],
    ['Hostname', found.hostname],
    ['CPU', found.cpuModel === '' ? '' : `${found.cpuModel}, ${found.architecture}, ${shape}`],
    ['Accelerators', found.accelerators.join(', ')],
    [
      'Network',
      found.networkInterfaces.map((each) =>
        [each.name, each.mac, each.state, each.speedMbps > 0 ? `${each.speedMbps} Mbit/s` : '']
          .filter(Boolean)
          .join(' '),
      ),
    ],
    [
      'Filesystems',
      found.filesystems.map(
        (each) =>
          `${each.mount} ${each.type}, ${formatMib(each.availableMib)} free of ${formatMib(each.sizeMib)}`,
      ),
    ],
    [
      'Shared pools',
      found.storagePools.map(
        (each) => `${each.pool}: ${formatMib(each.availableMib)} free of ${formatMib(each.capacityMib)}`,
      ),
    ],
    [
      'Versions',
      [
        ['libvirt', found.libvirtVersion],
        ['hypervisor', found.hypervisorVersion],
        ['agent', found.agentVersion],
        ['kernel', found.kernelVersion],
      ].flatMap(([what, version]) => (version === '' ? [] : [`${what} ${version}`])),
    ],
  ];
}

/** `8 vCPUs, 32 GiB memory, 100 GiB disk`, with the number of VMs where that is counted. */
export function amounts(resources: Resources__Output | null, withVms = false): string {
  if (resources === null) return '';
  const extras = Object.entries(resources.extras).map(([kind, count]) => `${count} ${kind}`);
  return [
    ...(withVms ? [`${resources.vms} VMs`] : []),
    `${resources.vcpus} vCPUs`,
    `${formatMib(resources.memoryMib)} memory`,
    `${formatMib(resources.diskMib)} disk`,
    ...extras,
  ].join(', ');
}
