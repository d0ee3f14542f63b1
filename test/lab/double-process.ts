/**
 * The scheduler's double as a process, to be run on a host of the laboratory, where an agent reaches it on loopback: JSON
 * lines come in (`{"want": Desired}`), and go out (`{"port": N}`, then `{"observation": ...}` and `{"inventory": ...}`).
 */
import { createInterface } from 'node:readline';
import type { Desired } from '../../proto/gen/secovia/v1/Desired.js';
import { SchedulerDouble } from '../agent/scheduler-double.js';

const print = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
const double = new SchedulerDouble();
await double.listen();
print({ port: double.port });
let told = 0;
let greeted = 0;
setInterval(() => {
  for (const { inventory } of double.hellos.slice(greeted)) print({ inventory });
  greeted = double.hellos.length;
  for (const observation of double.observed.slice(told)) print({ observation });
  told = double.observed.length;
}, 20);
createInterface({ input: process.stdin })
  .on('line', (line) => double.want((JSON.parse(line) as { want: Desired }).want))
  .on('close', () => process.exit(0));
