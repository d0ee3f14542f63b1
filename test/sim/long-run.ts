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
  .option('--jobs <count>', 'processes side by side', Number, availableParallelism());
program.parse();
const { seed, seeds, hours, jobs } = program.opts<Record<'seed' | 'seeds' | 'hours' | 'jobs', number>>();

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
  const child = spawn(process.execPath, [...args, `--seed=${next}`, `--seeds=${count}`, `--hours=${hours}`]);
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
  const speed = Math.round((simulatedHours * 3600) / cpuS);
  process.stdout.write(
    `${played} of ${seeds} seeds from ${seed} on broke no rule; ${simulatedHours.toFixed(0)} simulated hours, ${cpuS.toFixed(0)} s of CPU (${speed} times real time), ${wallS.toFixed(0)} s with ${jobs} processes\n`,
  );
  process.exitCode = played === seeds ? 0 : 1;
}

for (let job = 0; job < jobs; job += 1) begin();
