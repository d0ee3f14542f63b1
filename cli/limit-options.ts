/**
 * The options for limits. The contract replaces limits as a whole; here each amount is said, or taken back, by itself, and
 * the others stay as they were.
 */
import type { Option } from 'commander';
import type { Limits, Limits__Output } from '../proto/gen/secovia/v1/Limits.js';
import { flag, folded, option, repeated } from './command.js';
import { addLimitedExtra, parseLimitCount } from './values/limits.js';
import { resourceName } from './values/names.js';
import { parseLimitMib } from './values/sizes.js';
import { parseCountry } from './values/words.js';

/** `false` from the --no- forms. */
export interface LimitOptions {
  vcpus?: number | false;
  /** MiB, as disk. */
  memory?: number | false;
  disk?: number | false;
  vms?: number | false;
  extra?: Record<string, number>;
  removeExtra?: string[];
}

/** Of a limit that is new: there is nothing to take back. */
export function newLimitOptions(verb: string): Option[] {
  return [
    option('--vcpus <count>', `${verb} that many virtual CPUs`, parseLimitCount),
    option('--memory <size>', 'so much memory, e.g. 128GiB', parseLimitMib),
    option('--disk <size>', 'so much disk, e.g. 2TiB', parseLimitMib),
    option('--vms <count>', 'that many VMs', parseLimitCount),
    folded('--extra <extra>', 'so many of an extra, e.g. gpu:a30=2', addLimitedExtra),
  ];
}

export function limitOptions(verb: string): Option[] {
  return [
    ...newLimitOptions(verb),
    flag('--no-vcpus', 'no bound for them'),
    flag('--no-memory', 'no bound for memory'),
    flag('--no-disk', 'no bound for disk'),
    flag('--no-vms', 'no bound for VMs'),
    repeated('--remove-extra <extra>', 'no bound for that extra', (text) => text),
  ];
}

/** The same options with `reserve-` before them, as they are parsed. */
export interface ReserveOptions {
  reserveVcpus?: number | false;
  reserveMemory?: number | false;
  reserveDisk?: number | false;
  reserveVms?: number | false;
  reserveExtra?: Record<string, number>;
  removeReserveExtra?: string[];
}

export function newReserveOptions(): Option[] {
  return [
    option('--reserve-vcpus <count>', 'leave that many to its own administrations', parseLimitCount),
    option('--reserve-memory <size>', 'so much memory, e.g. 64GiB', parseLimitMib),
    option('--reserve-disk <size>', 'so much disk', parseLimitMib),
    option('--reserve-vms <count>', 'room for that many VMs', parseLimitCount),
    folded('--reserve-extra <extra>', 'so many of an extra, e.g. gpu:a30=2', addLimitedExtra),
  ];
}

export function reserveOptions(): Option[] {
  return [
    ...newReserveOptions(),
    flag('--no-reserve-vcpus', 'reserve none of them'),
    flag('--no-reserve-memory', 'reserve no memory'),
    flag('--no-reserve-disk', 'reserve no disk'),
    flag('--no-reserve-vms', 'reserve no room for VMs'),
    repeated('--remove-reserve-extra <extra>', 'reserve none of that extra', (text) => text),
  ];
}

export function reserveOf(options: ReserveOptions): LimitOptions {
  return {
    ...(options.reserveVcpus === undefined ? {} : { vcpus: options.reserveVcpus }),
    ...(options.reserveMemory === undefined ? {} : { memory: options.reserveMemory }),
    ...(options.reserveDisk === undefined ? {} : { disk: options.reserveDisk }),
    ...(options.reserveVms === undefined ? {} : { vms: options.reserveVms }),
    ...(options.reserveExtra === undefined ? {} : { extra: options.reserveExtra }),
    ...(options.removeReserveExtra === undefined ? {} : { removeExtra: options.removeReserveExtra }),
  };
}

export function saysLimits({ vcpus, memory, disk, vms, extra, removeExtra }: LimitOptions): boolean {
  return [vcpus, memory, disk, vms, extra, removeExtra].some((each) => each !== undefined);
}

/** What was there, with what was said instead. */
export function limitsOf(options: LimitOptions, before: Limits__Output | null = null): Limits {
  const { extra = {}, removeExtra = [] } = options;
  const kept = Object.entries(before?.extras ?? {}).filter(([name]) => !removeExtra.includes(name));
  const limits: Limits = { extras: { ...Object.fromEntries(kept), ...extra } };
  const take = (key: 'vcpus' | 'memoryMib' | 'diskMib' | 'vms', said: number | false | undefined) => {
    const amount = said ?? before?.[key];
    if (typeof amount === 'number') limits[key] = amount;
  };
  take('vcpus', options.vcpus);
  take('memoryMib', options.memory);
  take('diskMib', options.disk);
  take('vms', options.vms);
  return limits;
}

export function scopeOptions(): Option[] {
  return [
    option('--country <country>', 'in that country alone (default: everywhere)', parseCountry).conflicts(
      'site',
    ),
    option('--site <site>', 'on that site alone', (text) => resourceName('sites', text)).conflicts('country'),
  ];
}
