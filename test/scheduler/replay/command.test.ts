import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'tap';

const folder = mkdtempSync(join(tmpdir(), 'secovia-replay-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
const trace = join(folder, 'trace.csv');
writeFileSync(trace, 'arrival_s,departure_s,vcpus,memory_mib\n0,,4,1024\n0,,4,1024\n1,,1,1024\n2,,64,1024\n');

function replay(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['dist/scheduler/main.js', 'replay', ...args],
    {
      encoding: 'utf8',
    },
  );
  return { status, stdout, stderr };
}

test('a replay says how many hosts it takes, and how many it takes at least', async (t) => {
  const text = replay(trace, '--host-shape', '8c/4G');
  t.match(text, { status: 0, stderr: '' });
  t.match(text.stdout, /pack on hosts of 8c\/4G\n {2}VMs placed +3\n/);
  t.match(text.stdout, /too large for any host +1\n/);
  t.match(text.stdout, /fewest hosts that refuse nothing +2\n/);
  t.match(text.stdout, /lower bound, in hosts +2\n/);
  t.match(text.stdout, /hosts above the bound +0\.0 %\n/);
});

test('with a number of hosts it says what is refused, and in JSON', async (t) => {
  const { stdout } = replay(
    trace,
    '--host-shape',
    '8c/4G',
    '--hosts',
    '1',
    '--strategy',
    'first-fit',
    '--output',
    'json',
  );
  const wanted = {
    strategy: 'first-fit',
    hosts: 1,
    hostsFound: false,
    placed: 2,
    refused: 1,
    gapPercent: -50,
  };
  t.match(JSON.parse(stdout), wanted);
});

test('a comparison has a line for every strategy and a column for every shape', async (t) => {
  const { stdout } = replay(trace, '--compare', '--host-shape', '8c/4G', '--host-shape', '64c/64G');
  t.match(stdout, /hosts of .*8c\/4G.*64c\/64G/);
  for (const strategy of ['pack', 'first-fit', 'linear', 'dominant', 'memory-best-fit'])
    t.match(stdout, strategy);
  t.match(stdout, '8c/4G: 1 VM is larger than a host, and left out.');
  const { stdout: json } = replay(trace, '--compare', '--host-shape', '8c/4G', '--output', 'json');
  t.ok(JSON.parse(json).length >= 5);
});

test('wrong usage is 2, and a trace that cannot be read is 1', async (t) => {
  t.match(replay(trace), { status: 2, stderr: /--host-shape/ });
  t.match(replay(trace, '--host-shape', '64x'), { status: 2, stderr: /must look like 64c\/256G/ });
  t.match(replay(trace, '--host-shape', '8c/4G', '--strategy', 'pakc'), {
    status: 2,
    stderr: /Allowed choices are pack/,
  });
  t.match(replay(trace, '--host-shape', '8c/4G', '--hosts', '0'), { status: 2, stderr: /from 1 to 1000000/ });
  t.match(replay(trace, '--host-shape', '8c/4G', '--host-shape', '1c/1G'), {
    status: 2,
    stderr: /with --compare only/,
  });
  t.match(replay(join(folder, 'none.csv'), '--host-shape', '8c/4G'), { status: 1, stderr: /none\.csv/ });
});
