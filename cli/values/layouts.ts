/** NUMA cells and hugepages as people type and read them: `one` or a number of cells, `2MiB` or `1GiB` pages. */
import { ValueError } from './value-error.js';

/** The contract's limit. */
const mostCells = 8;

export const pageSizesKib = { '2MiB': 2048, '1GiB': 1_048_576 } as const;

export type PageSize = keyof typeof pageSizesKib;

export const pageSizes = Object.keys(pageSizesKib);

/** `one` cell that holds all of it, or so many of equal size. */
export function parseCells(text: string): number {
  const cells = text === 'one' ? 1 : Number(/^\d$/.exec(text)?.[0] ?? 0);
  if (cells < 1 || cells > mostCells) {
    throw new ValueError(
      `Write one, for a VM that fits into one cell, or 2 to ${mostCells} for as many equal cells.`,
    );
  }
  return cells;
}

/** `2MiB`, as it can be typed; sizes of newer schedulers in KiB. */
export function formatPageSize(sizeKib: number): string {
  return (
    pageSizes.find((size) => size in pageSizesKib && pageSizesKib[size as PageSize] === sizeKib) ??
    `${sizeKib}KiB`
  );
}

/** `one cell (0)`, `2 cells (0, 1), dedicated CPUs`; empty for a VM that floats. */
export function formatLayout(
  numa: { cells: number; dedicatedCpus: boolean } | null | undefined,
  cells: readonly number[],
): string {
  if (numa == null || numa.cells === 0) return '';
  const which = cells.length === 0 ? '' : ` (${cells.join(', ')})`;
  const count = numa.cells === 1 ? 'one cell' : `${numa.cells} cells`;
  return `${count}${which}${numa.dedicatedCpus ? ', dedicated CPUs' : ''}`;
}
