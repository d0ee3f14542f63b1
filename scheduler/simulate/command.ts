/** `secovia-scheduler simulate`: what placement does with a cluster and VMs that are written in a file. */
import { readFileSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { printed } from './print.js';
import { simulate } from './simulate.js';
import { ScenarioError } from './source.js';

interface SimulateOptions {
  output: 'text' | 'json';
}

export function addSimulateCommand(program: Command): void {
  program
    .command('simulate <scenario>')
    .description(
      'run a cluster and VMs, written as a YAML file, through placement, and say where they go and why',
    )
    .addOption(new Option('--output <format>').choices(['text', 'json']).default('text'))
    .addHelpText(
      'after',
      `
For example:

  about: Two hosts are enough for three VMs that are to be apart, as long as that is only a wish.
  hosts:
    - { ids: "zg-{1..2}", vcpus: 8, memory: 16Gi }
  steps:
    - place: { names: "web-{1..3}", memory: 4Gi, groups: [{ group: web, policy: apart, soft: true }] }
      expect: { zg-1: 2, zg-2: 1 }

Steps are place, explain, capacity, remove, refuse, set, join, lose, evacuate, lend, recall, wait and breaches. Without
partners all sites serve everybody; with them, quotas, loans, classes, residency and agreements say who may use what, and
where:

  partners: { carnet: { country: HR }, arnes: { country: SI } }
  sites: { zagreb: { partner: carnet }, ljubljana: { partner: arnes, country: SI } }
  quotas: [{ administration: town, site: zagreb, limit: { vcpus: 8, memory: 16Gi } }]
  residency: { gdpr: { class: personal, allowed: { countries: [HR, SI] } } }
  agreements: { hr-in-si: { partner: arnes, beneficiary: { partner: carnet }, limit: { vcpus: 4 } } }

secovia federation export writes a whole federation in this form. What is mistyped is answered with what is allowed.
Exit status: 0 all came as expected, 1 something did not, 2 the file cannot be read or is wrong.`,
    )
    .action((path: string, { output }: SimulateOptions) => {
      process.exitCode = run(path, output);
    });
}

/** The exit status. */
function run(path: string, output: SimulateOptions['output']): number {
  const text = textOf(path);
  if (text === null) return 2;
  // Who reads may have seen enough (`| head`); the exit status still tells what came of it.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  try {
    const report = simulate(text);
    process.stdout.write(output === 'json' ? `${JSON.stringify(report, null, 2)}\n` : printed(report));
    return report.held === report.expectations ? 0 : 1;
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    for (const { line, sentence } of error.lines) process.stderr.write(`${path}:${line}: ${sentence}\n`);
    return 2;
  }
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    process.stderr.write(`secovia-scheduler: cannot read ${path}: ${(error as Error).message}\n`);
    return null;
  }
}
