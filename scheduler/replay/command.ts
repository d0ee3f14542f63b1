/** `secovia-scheduler replay`: how well a strategy would have packed the VMs of a trace. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { HostShape } from './replay.js';
import { comparisonText, type Progress, type ReplayResult, replayOne, resultText } from './report.js';
import { shapeOf } from './shape.js';
import { replayStrategies } from './strategies.js';
import { readTrace, TraceError } from './trace.js';

interface ReplayOptions {
  hostShape: HostShape[];
  hosts?: number;
  strategy?: string;
  compare?: boolean;
  output: 'text' | 'json';
}

export function addReplayCommand(program: Command): void {
  program
    .command('replay <trace>')
    .description('replay a trace of VMs, and say how many hosts a strategy needs for it')
    .requiredOption(
      '--host-shape <shape>',
      'vCPUs and memory of a host, for example 64c/256G; with --compare it may be given several times',
      shapes,
    )
    .option('--hosts <n>', 'how many hosts there are (default: the fewest that refuse nothing)', wholeHosts)
    .addOption(
      new Option('--strategy <name>', 'how a host is chosen').choices(replayStrategies).conflicts('compare'),
    )
    .option('--compare', 'every strategy, in one table')
    .addOption(new Option('--output <format>').choices(['text', 'json']).default('text'))
    .addHelpText(
      'after',
      `
The trace is a CSV file, gzipped or not, with the columns arrival_s, departure_s (empty for a VM that stays), vcpus
and memory_mib. The lower bound is the peak of what is wanted at one time over what a host has, of vCPUs or of memory,
whichever is larger. Exit status: 0 replayed, 1 the trace cannot be read, 2 wrong usage.`,
    )
    .action(async (path: string, options: ReplayOptions) => {
      try {
        await runReplay(path, options);
      } catch (error) {
        if (!(error instanceof TraceError)) throw error;
        process.stderr.write(`secovia-scheduler: ${error.message}\n`);
        process.exitCode = 1;
      }
    });
}

async function runReplay(path: string, options: ReplayOptions): Promise<void> {
  const { hostShape: hostShapes, hosts = null, compare = false, output } = options;
  const [first, ...more] = hostShapes;
  if (first === undefined || (more.length > 0 && !compare)) {
    process.stderr.write('secovia-scheduler: several --host-shape go with --compare only\n');
    process.exitCode = 2;
    return;
  }
  const trace = await readTrace(path);
  const bar = new ProgressBar();
  const strategies = compare ? replayStrategies : [options.strategy ?? 'pack'];
  const results: ReplayResult[] = [];
  for (const shape of hostShapes) {
    for (const strategy of strategies) results.push(replayOne(trace, shape, strategy, hosts, bar.show));
  }
  bar.clear();
  if (output === 'json') process.stdout.write(`${JSON.stringify(compare ? results : results[0], null, 2)}\n`);
  else process.stdout.write(compare ? comparisonText(results) : resultText(results[0] as ReplayResult));
}

function shapes(text: string, before: HostShape[] = []): HostShape[] {
  const shape = shapeOf(text);
  if (shape === null)
    throw new InvalidArgumentError('It must look like 64c/256G: vCPUs, and memory in M, G or T.');
  return [...before, shape];
}

function wholeHosts(text: string): number {
  const hosts = Number(text);
  if (!Number.isInteger(hosts) || hosts < 1 || hosts > 1_000_000) {
    throw new InvalidArgumentError('It must be a whole number from 1 to 1000000.');
  }
  return hosts;
}

const barWidth = 30;

/** On a terminal only, and gone when the result is there. */
class ProgressBar {
  readonly show: Progress = (what, done, total) => {
    if (!process.stderr.isTTY) return;
    const filled = total === null ? 0 : Math.round((done / total) * barWidth);
    const bar = total === null ? `try ${done}` : `${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)}`;
    process.stderr.write(`\r\u001b[K${bar} ${what}`);
  };

  clear(): void {
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  }
}
