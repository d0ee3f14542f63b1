/** What a replay found, for each host shape and strategy, as data and as text for people. */
import Table from 'cli-table3';
import { fewestHosts, fitting, lowerBound } from './fewest-hosts.js';
import { departureOrder, type HostShape, replay } from './replay.js';
import { shapeText } from './shape.js';
import { scorerFor } from './strategies.js';
import type { Trace } from './trace.js';

export interface ReplayResult {
  hostShape: string;
  strategy: string;
  hosts: number;
  /** Whether `hosts` was found as the fewest that refuse nothing, or was given. */
  hostsFound: boolean;
  placed: number;
  refused: number;
  /** VMs that no host of this shape could take; they are left out of everything else. */
  oversized: number;
  peakHosts: number;
  hostHours: number;
  lowerBound: number;
  /** Of `hosts` above the lower bound. */
  gapPercent: number;
}

/** Hears what is being done: `done` of `total` VMs, or of as many tries as it takes when there is no total. */
export type Progress = (what: string, done: number, total: number | null) => void;

export function replayOne(
  whole: Trace,
  shape: HostShape,
  strategy: string,
  givenHosts: number | null,
  progress: Progress,
): ReplayResult {
  const { trace, oversized } = fitting(whole, shape);
  const name = `${strategy} on ${shapeText(shape)}`;
  const scorer = scorerFor(strategy, shape);
  const leaving = departureOrder(trace);
  const bound = lowerBound(trace, leaving, shape);
  let tries = 0;
  const hosts =
    givenHosts ??
    fewestHosts(trace, leaving, shape, scorer, bound, (tried) =>
      progress(`${name}, ${tried} hosts`, ++tries, null),
    );
  const replayed = replay(trace, leaving, shape, hosts, scorer, {
    onProgress: (vms) => progress(`${name}, ${hosts} hosts`, vms, trace.vms),
  });
  return {
    hostShape: shapeText(shape),
    strategy,
    ...replayed,
    hostHours: Math.round(replayed.hostHours),
    hostsFound: givenHosts === null,
    oversized,
    lowerBound: bound,
    gapPercent: Number((((hosts - bound) / bound) * 100).toFixed(2)),
  };
}

export function resultText(result: ReplayResult): string {
  const rows: [string, string][] = [
    ['VMs placed', String(result.placed)],
    ['VMs refused', String(result.refused)],
    ...(result.oversized > 0
      ? [['too large for any host', String(result.oversized)] as [string, string]]
      : []),
    [result.hostsFound ? 'fewest hosts that refuse nothing' : 'hosts', String(result.hosts)],
    ['most hosts in use at one time', String(result.peakHosts)],
    ['host-hours in use', String(result.hostHours)],
    ['lower bound, in hosts', String(result.lowerBound)],
    ['hosts above the bound', `${result.gapPercent.toFixed(1)} %`],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const lines = rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`);
  return `${result.strategy} on hosts of ${result.hostShape}\n${lines.join('\n')}\n`;
}

/** One line a strategy, one column a shape: the fewest hosts, and how far above the bound that is. */
export function comparisonText(results: readonly ReplayResult[]): string {
  const shapes = [...new Set(results.map(({ hostShape }) => hostShape))];
  const strategies = [...new Set(results.map(({ strategy }) => strategy))];
  const cell = (strategy: string, shape: string) => {
    const found = results.find((result) => result.strategy === strategy && result.hostShape === shape);
    if (found === undefined) return '';
    const refused = found.refused > 0 ? `, ${found.refused} refused` : '';
    return `${found.hosts} (+${found.gapPercent.toFixed(1)} %${refused})`;
  };
  const bounds = shapes.map((shape) =>
    String(results.find(({ hostShape }) => hostShape === shape)?.lowerBound),
  );
  const table = new Table({
    head: ['hosts of', ...shapes],
    style: { head: [], border: [], compact: true },
    colAligns: ['left', ...shapes.map(() => 'right' as const)],
  });
  table.push(['lower bound', ...bounds]);
  for (const strategy of strategies) table.push([strategy, ...shapes.map((shape) => cell(strategy, shape))]);
  const oversized = results
    .filter(({ strategy }) => strategy === strategies[0])
    .filter((one) => one.oversized > 0);
  const notes = oversized.map(
    ({ hostShape, oversized: count }) =>
      `${hostShape}: ${count} ${count === 1 ? 'VM is' : 'VMs are'} larger than a host, and left out.\n`,
  );
  return `${table.toString()}\n${notes.join('')}`;
}
