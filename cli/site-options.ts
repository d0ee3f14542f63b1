/** What a site says of the room that its hosts offer, and of its price; the same when it is made and when it is changed. */
import type { Option } from 'commander';
import { flag, option } from './command.js';
import { parseOvercommitPercent, parsePriceTier } from './values/words.js';

export interface RoomOptions {
  vcpuOvercommit?: number;
  keepFailoverRoom?: boolean;
  priceTier?: number;
}

export function roomOptions(): Option[] {
  return [
    option(
      '--vcpu-overcommit <percent>',
      'vCPUs that its hosts offer for each 100 CPUs, 10% to 3200% (without it: 100%)',
      parseOvercommitPercent,
    ),
    flag('--keep-failover-room', 'new VMs leave as much room as the largest host has, for its loss'),
    flag('--no-keep-failover-room', 'new VMs may fill the site'),
    option('--price-tier <tier>', 'how dear it is beside other sites, 0 (cheapest) to 99', parsePriceTier),
  ];
}
