/** Why a VM would go where it would, as people see it: the hosts, what excludes the others, and what would help. */
import type { Timestamp__Output } from '../../proto/gen/google/protobuf/Timestamp.js';
import type { Displacement__Output } from '../../proto/gen/secovia/v1/Displacement.js';
import type { Exclusion__Output } from '../../proto/gen/secovia/v1/Exclusion.js';
import type { ExplainPlacementResponse__Output } from '../../proto/gen/secovia/v1/ExplainPlacementResponse.js';
import type { HostScore__Output } from '../../proto/gen/secovia/v1/HostScore.js';
import type { NearestMiss__Output } from '../../proto/gen/secovia/v1/NearestMiss.js';
import type { SuggestedChange__Output } from '../../proto/gen/secovia/v1/SuggestedChange.js';
import type { Paint } from '../output/colours.js';
import { harmless } from '../output/harmless.js';
import { type SheetRow, sheet } from '../output/sheet.js';
import { type Column, Table } from '../output/table.js';
import { timestampMs } from '../values/durations.js';
import { shortName, shortVmName } from '../values/names.js';
import { formatMib, typedMib } from '../values/sizes.js';
import { amounts } from './host.js';

const exclusionColumns: Column<Exclusion__Output>[] = [
  { head: 'CODE', value: ({ code }) => code },
  { head: 'HOSTS', value: ({ hosts }) => String(hosts), align: 'right' },
  { head: 'SOLE', value: ({ sole }) => String(sole), align: 'right' },
  { head: 'DESCRIPTION', value: exclusionText },
];

/** With the extras that are too few, those that most hosts lack first. */
function exclusionText({ description, extras }: Exclusion__Output): string {
  const lacked = Object.entries(extras).sort(([, m], [, n]) => n - m);
  if (lacked.length === 0) return description;
  return `${description} (${lacked.map(([name, hosts]) => `${name} on ${hosts}`).join(', ')})`;
}

export async function explanationText(
  explained: ExplainPlacementResponse__Output,
  paint: Paint,
): Promise<string> {
  const { chosen, runnerUp, hosts, eligible, exclusions, nearestMisses, suggestion, displacement } =
    explained;
  const head = sheet(
    [
      ...(chosen === null ? [] : scoreRows('Would go to', chosen)),
      ...(runnerUp === null ? [] : scoreRows('Next best', runnerUp)),
      ['Can take it', `${eligible} of ${counted(hosts, 'host')}`],
    ],
    paint,
  );
  const table = exclusions.length === 0 ? '' : await new Table(exclusionColumns, paint).page(exclusions);
  const help = [
    ...nearestMisses.map(missSentence),
    ...(suggestion === null ? [] : [advice(suggestion)]),
    ...(displacement === null ? [] : [roomSentence(displacement)]),
  ];
  return [head, table, help.map((line) => `${harmless(line)}\n`).join('')].filter(Boolean).join('\n');
}

/** What a refused create would say. */
export function refusalSentence(refusal: string): string {
  const text = harmless(refusal).replace(/[.\s]+$/, '');
  return `${text === '' ? 'no host can take it' : text}.`;
}

function scoreRows(label: string, score: HostScore__Output): SheetRow[] {
  const {
    host,
    site,
    left,
    softViolations,
    sparedForGpus,
    priceTier,
    sitePreference,
    numaCells,
    contentStartTime,
  } = score;
  const name = shortName(host);
  const where = name === '-' ? `a host of site ${shortName(site)}` : name;
  const wishes = [
    contentStartTime === null ? '' : `its VMs from ${dayOf(contentStartTime)} on average`,
    numaCells.length === 0 ? '' : `NUMA cells ${numaCells.join(', ')}`,
    softViolations === 0 ? '' : `${softViolations} of the soft groups and preferred traits not met`,
    sparedForGpus ? 'has GPUs, and is only taken because no host without them will do' : '',
    priceTier === 0 ? '' : `price tier ${priceTier}`,
    sitePreference === 0 ? '' : 'not on the site preferred most',
  ];
  return [[label, [where, left === null ? '' : `${amounts(left)} left`, ...wishes].filter(Boolean)]];
}

const dayOf = (time: Timestamp__Output) => new Date(timestampMs(time) ?? 0).toISOString().slice(0, 10);

/** What a host can lack, and how much of it reads. */
const lacks: Record<string, [what: string, amount: (missing: number) => string]> = {
  LACKS_MEMORY: ['memory', formatMib],
  LACKS_DISK: ['disk', formatMib],
  LACKS_VCPUS: ['vCPUs', String],
  LACKS_VM_SLOTS: ['VM slots', String],
  LACKS_HUGEPAGES: ['hugepages', formatMib],
  LACKS_DEDICATED_CPUS: ['CPUs to dedicate', String],
  LACKS_NUMA_CELL: ['NUMA cells with room', String],
};

function missSentence({ code, extra, hosts, missing }: NearestMiss__Output): string {
  const [what, amount] = lacks[code] ?? [extra || code, String];
  return hosts === 1
    ? `1 host lacks only ${what}: ${amount(missing)}`
    : `${hosts} hosts lack only ${what}; the nearest lacks ${amount(missing)}`;
}

const flags: Record<string, string> = {
  'spec.vcpus': '--vcpus',
  'spec.memory_mib': '--memory',
  'spec.disk_mib': '--disk',
  'spec.numa': '--numa',
  'spec.hugepage_size_kib': '--hugepages',
  'placement.sites': '--site',
  'placement.countries': '--country',
  'placement.jurisdictions': '--jurisdiction',
  'placement.excluded_hosts': '--exclude-host',
  'placement.required_traits': '--require-trait',
  'placement.forbidden_traits': '--forbid-trait',
  'placement.groups': '--group',
};

const extraField = 'spec.extras.';

/** In the flags of the command line, where the field has one. */
function advice({ field, value, description }: SuggestedChange__Output): string {
  if (field.startsWith(extraField))
    return `it would fit with --extra ${field.slice(extraField.length)}=${value}`;
  const flag = flags[field];
  if (flag === undefined) return description;
  if (value === '') return `it would fit without ${flag}`;
  const typed = field.endsWith('_mib') && Number(value) > 0 ? typedMib(Number(value)) : value;
  return `it would fit with ${flag} ${typed}`;
}

/** Who would have to make room. */
function roomSentence({ host, vms }: Displacement__Output): string {
  const names = vms.map(({ name }) => shortVmName(name)).join(', ');
  return `it would fit on ${shortName(host)} if these gave up their room (vm create --preempt): ${names}`;
}

function counted(count: number, noun: string): string {
  return `${count} ${count === 1 ? noun : `${noun}s`}`;
}
