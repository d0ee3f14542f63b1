/** A report for people: a line for each step, the hosts as they are in the end, and whether all came as expected. */
import { stringify } from 'yaml';
import { type BreachingVm, type Outcome, type PlacedVm, type Score, vmsByHost } from './outcome.js';
import type { HostReport, Report, StepReport } from './simulate.js';
import { formatSize } from './sizes.js';

/** Of the VMs of one step; the table at the end has all hosts. */
const mostHostsTold = 20;
const mostTold = 5;

export function printed(report: Report): string {
  const { about, steps, hosts, expectations, held } = report;
  const lines = [about, ''];
  for (const [index, step] of steps.entries()) lines.push(...stepLines(step, index + 1));
  if (steps.length > 0) lines.push('');
  if (hosts.length > 0) lines.push(...table(hosts), '');
  if (expectations === 0) lines.push('Nothing was expected.');
  else lines.push(`${held} of ${expectations} expectations held.`);
  return lines.map((line) => `${line}\n`).join('');
}

function stepLines({ step, outcome, held, differences }: StepReport, number: number): string[] {
  const verdict = held === null ? '' : held ? 'ok' : 'FAILED';
  const asked = Object.entries(step).map(([verb, what]) => `${verb} ${inline(what)}`);
  return [
    `${String(number).padStart(3)}  ${verdict.padEnd(6)}  ${asked.join(' ')} -> ${outcomeText(outcome)}`,
    ...toldOf(outcome).map((line) => `             ${line}`),
    ...differences.map((difference) => `             ${difference}`),
  ];
}

/** Why VMs of a step have no host, or why they may not be where they are, of the first few. */
function toldOf(outcome: Outcome): string[] {
  const all =
    outcome.kind === 'placed'
      ? outcome.refused.map(({ message }) => message)
      : outcome.kind === 'breaches'
        ? outcome.vms.map(breachText)
        : [];
  const told = all.slice(0, mostTold);
  const more = all.length - told.length;
  return more > 0 ? [...told, `... and ${more} more`] : told;
}

function breachText({ name, host, reason, because, to, noHost }: BreachingVm): string {
  const by = because === null ? '' : ` (${because})`;
  const goes = noHost === null ? `would move to ${to}` : `can go nowhere: ${noHost}`;
  return `${name} on ${host} is ${reason}${by}, and ${goes}`;
}

/** On one line, as it can be written into a scenario. */
function inline(value: unknown): string {
  const options = { collectionStyle: 'flow', lineWidth: 0, aliasDuplicateObjects: false } as const;
  return stringify(value, options).trim();
}

function outcomeText(outcome: Outcome): string {
  switch (outcome.kind) {
    case 'placed':
      return placedText(outcome.vms);
    case 'refused':
    case 'unplaced':
    case 'done':
      return outcome.message;
    case 'breaches':
      return outcome.vms.length === 1 ? '1 VM in breach' : `${outcome.vms.length} VMs in breach`;
    case 'explained': {
      const { chosen, runnerUp, eligible, hosts, excluded, suggestion, displaces, displaceHost } = outcome;
      const reasons = Object.entries(excluded).map(([code, count]) => `, ${count} ${code}`);
      const best = chosen === null ? 'none' : `${scoreText(chosen)}, then ${scoreText(runnerUp)}`;
      return `${best} (${eligible} of ${hosts} eligible${reasons.join('')})${hintText(suggestion)}${roomText(displaces, displaceHost)}`;
    }
    case 'capacity': {
      return `${inline(outcome.bySite)}${outcome.limited ? ', and perhaps more' : ''}`;
    }
  }
}

/** A suggestion without a value is a wish to be given up. */
function hintText(suggestion: string): string {
  if (suggestion === 'none') return '';
  return `; it would fit ${suggestion.includes('=') ? 'with' : 'without'} ${suggestion}`;
}

function roomText(displaces: readonly string[], host: string): string {
  return displaces.length === 0 ? '' : `; it would fit on ${host} without ${displaces.join(', ')}`;
}

/** One VM's host, or how many VMs each host has got. */
function placedText(vms: readonly PlacedVm[]): string {
  const [only, another] = vms;
  if (only !== undefined && another === undefined) return only.host;
  const byHost = vmsByHost(vms);
  const hosts = Object.keys(byHost).length;
  return hosts > mostHostsTold ? `${vms.length} VMs on ${hosts} hosts` : inline(byHost);
}

function scoreText(score: Score | null): string {
  if (score === null) return 'none';
  const { host, softViolations, numaCells } = score;
  const cells =
    numaCells.length === 0 ? '' : ` (cell${numaCells.length === 1 ? '' : 's'} ${numaCells.join(', ')})`;
  if (softViolations === 0) return `${host}${cells}`;
  return `${host}${cells} with ${softViolations} soft violation${softViolations === 1 ? '' : 's'}`;
}

type Column = [head: string, value: (host: HostReport) => string, align: 'left' | 'right'];

const columns: readonly Column[] = [
  ['HOST', ({ id }) => id, 'left'],
  ['SITE', ({ site }) => site, 'left'],
  ['RACK', ({ rack }) => rack, 'left'],
  ['STATE', stateText, 'left'],
  ['VMS', ({ used }) => String(used.vms), 'right'],
  ['VCPUS', ({ used, total }) => `${used.vcpus}/${total.vcpus}`, 'right'],
  ['MEMORY', ({ used, total }) => `${formatSize(used.memoryMib)}/${formatSize(total.memoryMib)}`, 'right'],
  ['DISK', ({ used, total }) => `${formatSize(used.diskMib)}/${formatSize(total.diskMib)}`, 'right'],
];

const extrasColumn: Column = [
  'EXTRAS',
  ({ extras }) =>
    Object.entries(extras)
      .map(([name, { used, total }]) => `${used}/${total} ${name}`)
      .join(', '),
  'left',
];

function stateText({ state, cordoned, siteCordoned, siteRecovering }: HostReport): string {
  const notes = [
    cordoned && 'cordoned',
    siteCordoned && 'site cordoned',
    siteRecovering && 'site recovering',
  ];
  return [state, ...notes.filter((note) => note !== false)].join(', ');
}

function table(hosts: readonly HostReport[]): string[] {
  const haveExtras = hosts.some(({ extras }) => Object.keys(extras).length > 0);
  const shown = haveExtras ? [...columns, extrasColumn] : columns;
  const cells = shown.map(([head, value]) => [head, ...hosts.map(value)]);
  const widths = cells.map((column) => Math.max(...column.map((cell) => cell.length)));
  return [...hosts.keys(), hosts.length].map((row) =>
    shown
      .map(([, , align], index) => {
        const cell = cells[index]?.[row] ?? '';
        return align === 'left'
          ? cell.padEnd(widths[index] as number)
          : cell.padStart(widths[index] as number);
      })
      .join('  ')
      .trimEnd(),
  );
}
