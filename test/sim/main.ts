/**
 * `npm run sim -- --seed N`: simulates a federation, one seed after the other, and tells of the first rule that is broken.
 * What it says is the same each time.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { mutants } from './mutants.js';
import { plant } from './mutation.js';
import type { Entry } from './script.js';
import type { Result } from './seeded.js';

interface Options {
  seed: number;
  seeds: number;
  hours: number;
  hosts: number;
  vms: number;
  mutant?: string;
  replay?: string;
  shrink?: true;
  tries: number;
  out: string;
  quiet?: true;
}

const whole = (text: string): number => {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 0) throw new InvalidArgumentError('must be a whole number');
  return number;
};
const positive = (text: string): number => {
  const number = Number(text);
  if (!(number > 0)) throw new InvalidArgumentError('must be above 0');
  return number;
};

const program = new Command('sim')
  .description(
    'Simulates a federation with everything that can go wrong around it, and watches that no rule is broken.',
  )
  .option('--seed <n>', 'the first seed', whole, 1)
  .option('--seeds <count>', 'how many, one after the other', whole, 1)
  .option('--hours <h>', 'how many hours of faults each', positive, 1)
  .option('--hosts <count>', 'hosts of the federation', whole, 40)
  .option('--vms <count>', 'VMs that are asked for at the beginning', whole, 200)
  .option('--mutant <name>', 'plants a bug first; "list" lists them')
  .option('--shrink', 'looks for the shortest script that breaks the same rule, and writes it down')
  .option('--tries <count>', 'how many scripts shrinking may try', whole, 400)
  .option('--replay <file>', 'plays a script that was written down, instead of a seed’s own')
  .option('--out <folder>', 'where scripts are written', '.')
  .option('--quiet', 'says nothing of seeds that break no rule')
  .addHelpText(
    'after',
    '\nExit status: 0 when no rule was broken, 1 when one was.\n\nExamples:\n  npm run sim -- --seed 42 --hours 1\n  npm run sim -- --seed 1 --seeds 200 --quiet\n  npm run sim -- --mutant acks-before-the-disk --seeds 1000 --quiet',
  );
program.parse();
const options = program.opts<Options>();

// Whoever reads no further, as `head` does, has seen enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function lineOf(result: Result, cpuMs: number): string {
  const { seed, violation, simulatedMs, steps, decisions, vms, calls, hash } = result;
  const what = violation === null ? 'ok' : `BROKEN ${violation.rule}`;
  const called = `${calls['calls']} calls (${calls['acknowledged']} acknowledged, ${calls['refused']} refused)`;
  const speed = `${Math.round(simulatedMs / cpuMs)} times real time`;
  return `seed ${seed}: ${what}; ${Math.round(simulatedMs / 1000)} s, ${steps} events, ${decisions} decisions, ${called}, ${vms} VMs; journal ${hash.slice(0, 12)}; ${speed}`;
}

function tell({ seed, violation, events }: Result): void {
  if (violation === null) return;
  say(`\nseed ${seed}, event ${violation.step}, after ${(violation.atMs / 1000).toFixed(3)} s`);
  say(`${violation.rule}: ${violation.message}\n\nwhat happened last:`);
  for (const event of events) say(event);
}

interface WrittenScript {
  seed: number;
  hours: number;
  hosts: number;
  vms: number;
  rule: string;
  script: readonly Entry[];
}

async function run(): Promise<boolean> {
  if (options.mutant === 'list') {
    for (const { name, rule, bug } of mutants) say(`${rule.padEnd(12)} ${name.padEnd(34)} ${bug}`);
    return true;
  }
  const mutant = mutants.find(({ name }) => name === options.mutant);
  if (options.mutant !== undefined && mutant === undefined) {
    program.error(`there is no mutant "${options.mutant}"; --mutant list lists them`);
  }
  if (mutant !== undefined) plant(mutant);
  const { simulate, scriptOfSeed } = await import('./seeded.js');
  const { shrink } = await import('./shrink.js');
  const replayed =
    options.replay === undefined ? null : (JSON.parse(readFileSync(options.replay, 'utf8')) as WrittenScript);
  const { hours, hosts, vms } = replayed ?? options;
  const scale = { hosts, vms };
  const first = replayed?.seed ?? options.seed;
  const count = replayed === null ? options.seeds : 1;
  let ok = 0;
  let simulatedMs = 0;
  const begun = process.cpuUsage();
  const cpuMs = (since: NodeJS.CpuUsage) => {
    const { user, system } = process.cpuUsage(since);
    return (user + system) / 1000;
  };
  for (let seed = first; seed < first + count; seed += 1) {
    const since = process.cpuUsage();
    const script = replayed?.script ?? scriptOfSeed({ seed, hours, scale });
    const result = simulate({ seed, hours, scale, script });
    simulatedMs += result.simulatedMs;
    const { violation } = result;
    if (!options.quiet) say(lineOf(result, cpuMs(since)));
    if (violation === null) {
      ok += 1;
      continue;
    }
    tell(result);
    if (options.shrink) {
      say('\nlooking for a shorter script ...');
      const { rule } = violation;
      const fails = (some: readonly Entry[]) =>
        simulate({ seed, hours, scale, script: some }).violation?.rule === rule;
      const shortest = shrink(script, fails, options.tries);
      mkdirSync(options.out, { recursive: true });
      const file = `${options.out}/sim-${seed}.json`;
      const written: WrittenScript = { seed, hours, hosts, vms, rule, script: shortest };
      writeFileSync(file, `${JSON.stringify(written, null, 1)}\n`);
      say(`\n${shortest.length} of ${script.length} entries are enough; they are in ${file}:`);
      for (const { atMs, what } of shortest) say(`${(atMs / 1000).toFixed(3).padStart(10)} ${what}`);
      tell(simulate({ seed, hours, scale, script: shortest }));
    }
    say(`\nto see it again: npm run sim -- --seed ${seed} --hours ${hours} --hosts ${hosts} --vms ${vms}`);
    break;
  }
  const usedMs = cpuMs(begun);
  say(
    `${ok} of ${count} seeds broke no rule; ${(simulatedMs / 3600_000).toFixed(1)} simulated hours in ${(usedMs / 1000).toFixed(1)} s of CPU, ${Math.round(simulatedMs / usedMs)} times real time`,
  );
  return ok === count;
}

process.exitCode = (await run()) ? 0 : 1;
