/** `npm run bench -- NAME [--json]`: runs one benchmark, and fails when one of its promises does not hold. */
import { agents } from './agents.js';
import { alarms } from './alarms.js';
import { api } from './api.js';
import { durable } from './durable.js';
import { lostHost } from './lost-host.js';
import { placement } from './placement.js';
import { machineFacts, printReport, Report } from './report.js';
import { scale } from './scale.js';
import { settlement } from './settlement.js';
import { start } from './start.js';
import { tenancy } from './tenancy.js';

const benchmarks: Record<string, (report: Report, say: (line: string) => void) => Promise<void>> = {
  agents,
  alarms,
  api,
  durable,
  'lost-host': lostHost,
  placement,
  scale,
  settlement,
  start,
  tenancy,
};

const [name, ...flags] = process.argv.slice(2);
const json = flags.includes('--json');
const benchmark = name === undefined ? undefined : benchmarks[name];
if (benchmark === undefined || flags.some((flag) => flag !== '--json')) {
  process.stderr.write(
    `usage: npm run bench -- NAME [--json]\nNAME is one of: ${Object.keys(benchmarks).join(', ')}\n`,
  );
  process.exit(2);
}

const say = (line: string) => process.stderr.write(`${line}\n`);
say(`${name} on ${machineFacts()}`);
const report = new Report();
await benchmark(report, say);
printReport(report.result, json);
process.exit(report.result.promises.every(({ holds }) => holds) ? 0 : 1);
