import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { test } from 'tap';
import { firstFit } from '../../../scheduler/core/placement/scorers/first-fit.js';
import { pack } from '../../../scheduler/core/placement/scorers/pack.js';
import { fewestHosts, fitting, lowerBound } from '../../../scheduler/replay/fewest-hosts.js';
import { departureOrder, replay } from '../../../scheduler/replay/replay.js';
import { shapeOf } from '../../../scheduler/replay/shape.js';
import { scorerFor, replayStrategies } from '../../../scheduler/replay/strategies.js';
import { readTrace, type Trace } from '../../../scheduler/replay/trace.js';
import { Random } from '../core/placement/random.js';

const folder = mkdtempSync(join(tmpdir(), 'secovia-replay-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const header = 'arrival_s,departure_s,vcpus,memory_mib,batch\n';

function fileOf(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function traceOf(...rows: string[]): Promise<Trace> {
  return readTrace(fileOf('trace.csv', `${header}${rows.join('\n')}\n`));
}

const shape = { vcpus: 4, memoryMib: 4096 };

test('a trace is read plain and gzipped, in the order of arrival, with columns in any order', async (t) => {
  const text = 'vcpus,note,memory_mib,departure_s,arrival_s\n2,x,1024,,20\n1,y,512,30,10\n\n1,z,256,40,10\n';
  for (const content of [text, gzipSync(text)]) {
    const trace = await readTrace(fileOf('order.csv', content));
    t.equal(trace.vms, 3);
    t.same([...trace.arrivals], [10, 10, 20]);
    t.same([...trace.memoryMib], [512, 256, 1024]);
    t.same([...trace.departures], [30, 40, Number.POSITIVE_INFINITY]);
  }
});

test('what is wrong with a trace is said with its line', async (t) => {
  const cases: [string, RegExp][] = [
    ['', /has no VMs/],
    [header, /has no VMs/],
    ['a,b\n1,2\n', /line 1: the header has no column arrival_s/],
    [`${header}1,2,0,5,\n`, /line 2: vcpus is "0", not a whole number above 0/],
    [`${header}1,2,1,5.5,\n`, /memory_mib is "5.5"/],
    [`${header}1,2,1,1,\n9,2,1,1,\n`, /line 3: departure_s 2 is before arrival_s 9/],
    [`${header}soon,2,1,1,\n`, /arrival_s is "soon"/],
  ];
  for (const [content, message] of cases) {
    await t.rejects(readTrace(fileOf('bad.csv', content)), { message });
  }
  await t.rejects(readTrace(join(folder, 'none.csv')), /none.csv/);
  const cut = gzipSync(`${header}1,2,1,1,\n`.repeat(1000)).subarray(0, 60);
  await t.rejects(readTrace(fileOf('cut.csv.gz', cut)), /cut.csv.gz/);
});

test('a VM leaves before one that comes at the same second', async (t) => {
  const trace = await traceOf('0,10,4,4096,', '10,20,4,4096,');
  t.match(replay(trace, departureOrder(trace), shape, 1, pack), { placed: 2, refused: 0, peakHosts: 1 });
});

test('hosts are counted while they have a VM, until the last one leaves', async (t) => {
  const trace = await traceOf('0,3600,1,1024,', '0,7200,4,1024,', '3600,10800,1,1024,');
  t.match(replay(trace, departureOrder(trace), shape, 2, pack), { peakHosts: 2, hostHours: 1 + 2 + 2 });
});

test('what does not fit is refused, and may be waited for no longer', async (t) => {
  const trace = await traceOf('0,,4,1024,', '1,,1,1024,', '2,,4,1024,', '3,,1,1,');
  const leaving = departureOrder(trace);
  t.match(replay(trace, leaving, shape, 2, pack), { placed: 3, refused: 1 });
  t.match(replay(trace, leaving, shape, 1, pack, { stopAtRefusal: true }), { placed: 1, refused: 1 });
});

test('the bound is the larger of both dimensions, and oversized VMs are left out', async (t) => {
  const whole = await traceOf('0,5,1,4096,', '1,5,1,4096,', '5,9,3,10,', '6,9,2,10,', '7,8,99,1,');
  const { trace, oversized } = fitting(whole, shape);
  t.equal(oversized, 1);
  t.equal(lowerBound(trace, departureOrder(trace), shape), 2, 'memory');
  t.equal(lowerBound(trace, departureOrder(trace), { vcpus: 4, memoryMib: 99_999 }), 2, 'vCPUs');
});

test('the fewest hosts refuse nothing, and one less refuses something', async (t) => {
  const random = new Random(7);
  const rows = Array.from({ length: 3000 }, (_, second) => {
    const vcpus = random.pick([1, 1, 2, 4]);
    return `${second},${second + 100 + random.below(900)},${vcpus},${256 * (1 + random.below(8))},`;
  });
  const trace = await traceOf(...rows);
  const leaving = departureOrder(trace);
  const bound = lowerBound(trace, leaving, shape);
  for (const strategy of replayStrategies) {
    const scorer = scorerFor(strategy, shape);
    const hosts = fewestHosts(trace, leaving, shape, scorer, bound);
    t.ok(hosts >= bound, `${strategy}: ${hosts} hosts, at least ${bound}`);
    t.equal(replay(trace, leaving, shape, hosts, scorer).refused, 0);
    if (hosts > bound) t.ok(replay(trace, leaving, shape, hosts - 1, scorer).refused > 0);
  }
  t.ok(
    fewestHosts(trace, leaving, shape, pack, bound) <=
      fewestHosts(trace, leaving, shape, scorerFor('spread', shape), bound),
  );
  t.equal(
    replay(trace, leaving, shape, 1000, firstFit).peakHosts,
    fewestHosts(trace, leaving, shape, firstFit, bound),
  );
});

test('shapes are read as they are written', async (t) => {
  t.same(shapeOf('64c/256G'), { vcpus: 64, memoryMib: 256 * 1024 });
  t.same(shapeOf('4C/512M'), { vcpus: 4, memoryMib: 512 });
  t.same(shapeOf('8c/1TiB'), { vcpus: 8, memoryMib: 1024 ** 2 });
  for (const wrong of ['', '64', '64c', '64/256', '0c/4G', '4c/0G', '4c/4K', '4c/99999999G'])
    t.equal(shapeOf(wrong), null);
});
