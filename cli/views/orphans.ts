/** Orphans of a host, each with what is known of it and what can be done about it. */
import type { Host__Output } from '../../proto/gen/secovia/v1/Host.js';
import type { Orphan__Output } from '../../proto/gen/secovia/v1/Orphan.js';
import { shortVmName } from '../values/names.js';
import { formatMib } from '../values/sizes.js';

/** One line each. What its agent has read of one follows what it calls it. */
export function orphanLines({ orphans, orphanVms }: Host__Output): string[] {
  const told = new Set<string>();
  return orphans.map((line) => {
    const orphan = orphanVms.find(({ uid }) => line.includes(uid) && !told.has(uid));
    if (orphan === undefined) return line;
    told.add(orphan.uid);
    return `${line}: ${orphanWords(orphan)}`;
  });
}

function orphanWords({ kind, vmName, running, resources, problem }: Orphan__Output): string {
  const { vcpus = 0, memoryMib = 0, diskMib = 0, extras = {} } = resources ?? {};
  const amounts = [
    vcpus > 0 ? `${vcpus} vCPUs` : '',
    memoryMib > 0 ? `${formatMib(memoryMib)} memory` : '',
    diskMib > 0 ? `${formatMib(diskMib)} disk` : '',
    ...Object.entries(extras).map(([name, count]) => `${count} ${name}`),
  ];
  return [
    kind === 'ORPHAN_KIND_DISK' ? 'a disk alone' : running ? 'runs' : 'off',
    vmName === '' ? '' : `was ${shortVmName(vmName)}`,
    ...amounts,
    problem,
  ]
    .filter(Boolean)
    .join(', ');
}
