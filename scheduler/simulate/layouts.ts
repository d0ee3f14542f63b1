/** NUMA cells of hosts, and what VMs want of them, from a scenario's words. */
import type { VmShape } from '../core/commands.js';
import type { NumaCell } from '../core/model.js';
import { misfits } from '../core/placement/numa/layout.js';
import type { CellEntry } from './format-hosts.js';
import type { Shape } from './format-vms.js';
import { Impossible } from './impossible.js';

type WantedLayout = Pick<VmShape, 'hugepageKib' | 'numa'>;

const pageKib = { '2Mi': 2048, '1Gi': 1_048_576 };

export function cellsIn(cells: readonly CellEntry[]): NumaCell[] {
  return cells.map(({ cpus, memory, hugepages }, id) => ({
    id,
    cpus,
    memoryMib: memory,
    hugepages: (['2Mi', '1Gi'] as const).flatMap((size) => {
      const count = hugepages[size] ?? 0;
      return count === 0 ? [] : [{ sizeKib: pageKib[size], count }];
    }),
  }));
}

/** Sizes that such a layout cannot have no call could ask for. */
export function layoutIn({ vcpus, memory, hugepages, numa, dedicatedCpus }: Shape): WantedLayout {
  const wanted: WantedLayout = {};
  if (hugepages !== undefined) wanted.hugepageKib = pageKib[hugepages];
  if (numa !== undefined) wanted.numa = { cells: numa, dedicatedCpus };
  else if (dedicatedCpus) throw new Impossible('dedicatedCpus needs numa');
  const { hugepageKib = 0 } = wanted;
  const [fault] = misfits({ cells: numa ?? 0, dedicatedCpus, hugepageKib, vcpus, memoryMib: memory });
  if (fault !== undefined) throw new Impossible(fault.description);
  return wanted;
}
