import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { program } from '../api/scheduler-process.js';
import { runProgram } from '../run-program.js';
import { temporaryFolder } from '../scope.js';

function fileOf(t: Test, text: string): string {
  const file = join(temporaryFolder(t), 'scenario.yaml');
  writeFileSync(file, text);
  return file;
}

const scenario = `about: Two towns share a host.
sites:
  zagreb: { cordoned: false }
hosts:
  - { id: zg-1, rack: r1, vcpus: 8, memory: 16Gi, disk: 100Gi, vcpuOvercommit: 200 }
  - { id: zg-2, memory: 1536Mi, cordoned: true }
steps:
  - place: { names: "web-{1..3}", vcpus: 4, memory: 4Gi }
    expect: { zg-1: 3 }
  - place: { name: big, memory: 8Gi }
    expect: { refused: { LACKS_MEMORY: 1, CORDONED: 1 } }
  - explain: { preferTraits: [ssd] }
  - capacity: { memory: 1Gi }
  - remove: web-1
`;

test('a scenario is printed step by step, with the hosts as they are in the end', async (t) => {
  const { status, stdout, stderr } = runProgram(['simulate', fileOf(t, scenario)]);
  t.equal(status, 0, stderr);
  const lines = stdout.split('\n');
  // A refusal's words are the core's own and are held by its tests.
  t.match(
    lines[3],
    /^ {2}2 {2}ok {6}place { name: big, memory: 8Gi } -> no host can take VM "big" .*1 lacks memory/,
  );
  lines[3] = '';
  t.same(lines, [
    'Two towns share a host.',
    '',
    '  1  ok      place { names: "web-{1..3}", vcpus: 4, memory: 4Gi } -> { zg-1: 3 }',
    '',
    '  3          explain { preferTraits: [ ssd ] } -> zg-1 with 1 soft violation, then none (1 of 2 eligible, 1 CORDONED)',
    '  4          capacity { memory: 1Gi } -> { zagreb: 4 }',
    '  5          remove web-1 -> 1 VM left',
    '',
    'HOST  SITE    RACK  STATE            VMS  VCPUS      MEMORY        DISK',
    'zg-1  zagreb  r1    ready              2   8/16    8Gi/16Gi  20Gi/100Gi',
    'zg-2  zagreb        ready, cordoned    0   0/16  0Mi/1536Mi     0Mi/1Ti',
    '',
    '2 of 2 expectations held.',
    '',
  ]);
});

test('a scenario that expects nothing ends with 0', async (t) => {
  const { status, stdout } = runProgram(['simulate', fileOf(t, 'about: Nothing at all.\n')]);
  t.equal(status, 0);
  t.equal(stdout, 'Nothing at all.\n\nNothing was expected.\n');
});

test('an expectation that does not hold ends with 1, and is told under its step', async (t) => {
  const file = fileOf(t, scenario.replace('{ zg-1: 3 }', '{ zg-1: 2, zg-2: 1 }'));
  const { status, stdout } = runProgram(['simulate', file]);
  t.equal(status, 1);
  t.match(stdout, /^ {2}1 {2}FAILED {2}place .*\n {13}expected { zg-1: 2, zg-2: 1 }, found { zg-1: 3 }\n/m);
  t.match(stdout, /\n1 of 2 expectations held\.\n$/);
  t.equal(runProgram(['simulate', '--output', 'json', file]).status, 1);
});

test('the same as JSON', async (t) => {
  const { status, stdout } = runProgram(['simulate', fileOf(t, scenario), '--output', 'json']);
  t.equal(status, 0);
  const report = JSON.parse(stdout);
  t.match(report, {
    about: 'Two towns share a host.',
    expectations: 2,
    held: 2,
    steps: [
      {
        step: { place: { names: 'web-{1..3}', vcpus: 4, memory: '4Gi' } },
        expected: { 'zg-1': 3 },
        held: true,
        differences: [],
        outcome: {
          kind: 'placed',
          vms: ['web-1', 'web-2', 'web-3'].map((name) => ({ name, host: 'zg-1' })),
        },
      },
      {
        held: true,
        outcome: {
          kind: 'refused',
          reason: 'NO_HOST',
          excluded: { LACKS_MEMORY: 1, CORDONED: 1 },
          why: { sole: { LACKS_MEMORY: 1 }, suggestion: 'spec.memory_mib=4096', temporary: false },
        },
      },
      {
        expected: null,
        held: null,
        outcome: {
          kind: 'explained',
          chosen: { host: 'zg-1', softViolations: 1 },
          runnerUp: null,
          eligible: 1,
        },
      },
      { outcome: { kind: 'capacity', vms: 4, limited: false, bySite: { zagreb: 4 } } },
      { outcome: { kind: 'done' } },
    ],
    hosts: [
      {
        id: 'zg-1',
        rack: 'r1',
        used: { vcpus: 8, memoryMib: 8192, diskMib: 20_480, vms: 2 },
        total: { vcpus: 16, memoryMib: 16_384, diskMib: 102_400, vms: 1000 },
      },
      { id: 'zg-2', cordoned: true, siteCordoned: false, siteRecovering: false },
    ],
  });
});

test('a file that is wrong or cannot be read ends with 2, and says where', async (t) => {
  const file = fileOf(t, scenario.replace('vcpus: 4', 'vcpu: 4'));
  for (const [args, said] of [
    [
      ['simulate', file],
      `${file}:8: steps[1].place.vcpu is not known; known are name, names, administration, vcpus,`,
    ],
    [['simulate', '/nowhere.yaml'], 'secovia-scheduler: cannot read /nowhere.yaml: '],
    [['simulate'], "missing required argument 'scenario'"],
    [['simulate', file, '--output', 'xml'], 'Allowed choices are text, json'],
  ] as const) {
    const { status, stdout, stderr } = runProgram([...args]);
    t.equal(status, 2, args.join(' '));
    t.equal(stdout, '');
    t.ok(stderr.includes(said), stderr);
    t.notMatch(stderr, /\n {4}at /, 'no stack');
  }
});

test('a reader that leaves early does not change how it ends', async (t) => {
  const file = fileOf(t, 'about: Many hosts.\nhosts: [{ ids: "host-{1..4000}" }]\n');
  const pipe = 'set -o pipefail; "$0" "$1" simulate "$2" | head -n 1; echo $?';
  const { stdout, stderr } = spawnSync('bash', ['-c', pipe, process.execPath, program, file], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  t.equal(stdout, 'Many hosts.\n0\n');
  t.equal(stderr, '');
});

test('VMs on many hosts are counted, and each host stands in the table', async (t) => {
  const many =
    'about: Many.\nhosts: [{ ids: "h{01..21}", vms: 1 }]\nsteps: [{ place: { names: "w{1..21}" } }]\n';
  const { stdout } = runProgram(['simulate', fileOf(t, many)]);
  t.match(stdout, 'place { names: "w{1..21}" } -> 21 VMs on 21 hosts\n');
  t.match(stdout, /^h21 +zagreb +ready +1 +1\/16 /m);
});

test('help shows an example that runs as it stands', async (t) => {
  const { status, stdout } = runProgram(['simulate', '--help']);
  t.equal(status, 0);
  const example = /\n( {2}about: [\s\S]*?)\n\n/.exec(stdout)?.[1] ?? '';
  const { status: ran, stdout: printed } = runProgram([
    'simulate',
    fileOf(t, `${example.replaceAll(/^ {2}/gm, '')}\n`),
  ]);
  t.equal(ran, 0);
  t.match(printed, '1 of 1 expectations held.');
});

test('the example in the README gives what the README shows', async (t) => {
  const readme = readFileSync(new URL('../../../../README.md', import.meta.url), 'utf8');
  const [, example = '', shown = ''] =
    /```yaml\n(about: [\s\S]*?)```[\s\S]*?```\n\$ secovia-scheduler simulate .*\n([\s\S]*?)```/.exec(
      readme,
    ) ?? [];
  t.match(example, 'steps:');
  const { stdout } = runProgram(['simulate', fileOf(t, example)]);
  t.equal(stdout, shown);
});

test('VMs that are where they may not be are printed with why, and where they would go', async (t) => {
  const file = fileOf(
    t,
    `about: A rule is tightened.
sites: { zagreb: , ljubljana: { country: SI } }
residency: { law: { class: personal, allowed: { countries: [SI] } } }
hosts: [{ id: zg, site: zagreb, memory: 2Gi }, { id: lj, site: ljubljana }]
steps:
  - place: { names: [small, large], memory: 2Gi, class: personal }
  - remove: large
  - place: { name: large, memory: 4Gi, class: personal }
  - set: { rule: law, allowed: { countries: [HR] } }
  - breaches: {}
    expect: { small: zg, large: none }
`,
  );
  const { status, stdout } = runProgram(['simulate', file]);
  t.equal(status, 0, stdout);
  const lines = stdout.split('\n').slice(6, 9);
  t.equal(lines[0], '  5  ok      breaches {} -> 2 VMs in breach');
  t.equal(lines[1], '             small on lj is NOT_LAWFUL (law), and would move to zg');
  t.match(
    lines[2],
    /^ {13}large on lj is NOT_LAWFUL \(law\), and can go nowhere: no host can take VM "large"/,
  );
});
