/**
 * Many seeds on all processors, and a summary of them: `node dist/test/sim/long-run.js --seeds 5000 --hours 1`. The last line
 * is what README.md has.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';

const program = new Command('long-run')
  .description('Plays many seeds side by side, until one breaks a rule or all are done.')
  .option('--seed <n>', 'the first', Number, 1)
  .option('--seeds <count>', 'how many', Number, 5000)
  .option('--hours <h>', 'how many hours each', Number, 1)
  .option('--hosts <count>', 'hosts of each federation', Number, 20)
  .option('--vms <count>', 'VMs that are asked for at the beginning', Number, 80)
  .option('--jobs <count>', 'processes side by side', Number, availableParallelism());
program.parse();
type Options = Record<'seed' | 'seeds' | 'hours' | 'hosts' | 'vms' | 'jobs', number>;
const { seed, seeds, hours, hosts, vms, jobs } = program.opts<Options>();

const main = fileURLToPath(new URL('./main.js', import.meta.url));
/** Seeds in one process. */
const part = 50;

const begunMs = Date.now();
const failures: string[] = [];
let next = seed;
let played = 0;
let simulatedHours = 0;
let cpuS = 0;
const running = new Set<ChildProcess>();

function take(output: string): void {
  const summary = /(\d+) of \d+ seeds broke no rule; ([\d.]+) simulated hours in ([\d.]+) s of CPU/.exec(
    output,
  );
  if (summary === null) failures.push(output);
  else {
    played += Number(summary[1]);
    simulatedHours += Number(summary[2]);
    cpuS += Number(summary[3]);
    if (/^seed \d+, event/m.test(output)) failures.push(output);
  }
}

function begin(): void {
  const count = Math.min(part, seed + seeds - next);
  if (count <= 0 || failures.length > 0) return;
  const args = ['--max-semi-space-size=64', main, '--quiet'];
  const size = [`--hosts=${hosts}`, `--vms=${vms}`, `--hours=${hours}`];
  const child = spawn(process.execPath, [...args, `--seed=${next}`, `--seeds=${count}`, ...size]);
  next += count;
  running.add(child);
  let output = '';
  child.stdout.on('data', (data: Buffer) => {
    output += data.toString();
  });
  child.stderr.pipe(process.stderr);
  child.on('close', () => {
    running.delete(child);
    take(output);
    process.stderr.write(`${played} of ${seeds}\r`);
    begin();
    if (running.size === 0) end();
  });
}

function end(): void {
  for (const failure of failures) process.stdout.write(`${failure}\n`);
  const wallS = (Date.now() - begunMs) / 1000;
  const times = (s: number) => `${Math.round((simulatedHours * 3600) / s)} times real time`;
  process.stdout.write(
    `${played} of ${seeds} seeds from ${seed} on, of ${hosts} hosts and ${vms} VMs, broke no rule; ${simulatedHours.toFixed(0)} simulated hours, ${cpuS.toFixed(0)} s of CPU (${times(cpuS)}), ${wallS.toFixed(0)} s with ${jobs} processes (${times(wallS)})\n`,
  );
  process.exitCode = played === seeds ? 0 : 1;
}

for (let job = 0; job < jobs; job += 1) begin();
