/**
 * How long a VM that restarts elsewhere is away when its host loses its power, on the laboratory's real hosts: the lease
 * has to end, a neighbour has to power the host off through its management controller, and the guest has to start there.
 */
import { Laboratory, lab, mobile, other, until } from '../lab/laboratory.js';
import { median, type Report } from './report.js';

const rounds = 5;
/** As `deploy/lab/up.sh` sets it. */
const leaseS = 10;

export async function lostHost(report: Report, say: (line: string) => void): Promise<void> {
  const laboratory = await Laboratory.up();
  await laboratory.clear();
  const away: number[] = [];
  const fenced: number[] = [];
  let once = 0;
  for (let round = 1; round <= rounds; round += 1) {
    await laboratory.fencesAreReady();
    const vm = await laboratory.running(`lost-${round}`, mobile);
    const target = other(vm.host);
    await lab('host', vm.host, 'power-off');
    const cutMs = performance.now();
    const lostMs = await reaches(laboratory, vm.host, ['HOST_STATE_LOST', 'HOST_STATE_FENCED']);
    const offMs = await reaches(laboratory, vm.host, ['HOST_STATE_FENCED']);
    await laboratory.runsOn(vm.name, target);
    away.push((performance.now() - cutMs) / 1000);
    fenced.push((offMs - lostMs) / 1000);
    await lab('host', vm.host, 'power-on');
    await laboratory.hasNothingLeft(vm.host);
    const domains = await laboratory.domains();
    if (domains.length === 1 && domains[0]?.host === target && domains[0].state === 'running') once += 1;
    say(
      `round ${round}: away for ${away.at(-1)?.toFixed(1)} s, of which ${fenced.at(-1)?.toFixed(1)} s for the fence`,
    );
    await laboratory.clear();
  }
  laboratory.close();
  await lab('down');
  const beyond = away.map((seconds, round) => seconds - leaseS - (fenced[round] as number));
  report.figure('power lost to running elsewhere, median seconds', median(away));
  report.figure('power lost to running elsewhere, worst seconds', Math.max(...away));
  report.figure('the fence of that, median seconds', median(fenced));
  report.promise('beyond the lease and the fence, worst seconds', Math.max(...beyond), { most: 5 });
  report.promise('VMs that run exactly once when their host is back', once, { least: rounds });
}

/** When a host was first seen in one of these states. */
async function reaches(laboratory: Laboratory, host: string, states: string[]): Promise<number> {
  return until(`${host} is ${states.join(' or ')}`, async () => {
    const { state } = await laboratory.host(host);
    return states.includes(state) && performance.now();
  });
}
