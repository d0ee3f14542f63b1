/** What a scenario may say, and what is answered to one that is wrong. */
import { type Test, test } from 'tap';
import { parse, stringify } from 'yaml';
import { simulate } from '../../../scheduler/simulate/simulate.js';
import { ScenarioError } from '../../../scheduler/simulate/source.js';
import { formatSize, parseSize } from '../../../scheduler/simulate/sizes.js';

/** What is wrong with a text, a line each. */
function faults(text: string): string {
  try {
    simulate(text);
  } catch (error) {
    if (error instanceof ScenarioError) return error.message;
    throw error;
  }
  return '';
}

const about = 'about: A test.\n';
const oneHost = `${about}hosts: [{ id: a, memory: 8Gi }]\n`;

test('sizes are read in binary units and printed as they can be written', async (t) => {
  for (const [written, mib] of [
    ['512Mi', 512],
    ['4Gi', 4096],
    ['4GiB', 4096],
    ['1Ti', 1_048_576],
    [3000, 3000],
    ['0Mi', 0],
  ] as const) {
    t.equal(parseSize(written), mib, String(written));
    t.equal(parseSize(formatSize(mib)), mib, formatSize(mib));
  }
  for (const wrong of ['4GB', '4G', '4 Gi', '1.5Gi', '-1Gi', '3000', 'Gi', '', '4096Ti', -1, 1.5, 2 ** 31]) {
    t.equal(parseSize(wrong), null, String(wrong));
  }
  t.same([0, 1536, 2048, 3 * 1024 * 1024].map(formatSize), ['0Mi', '1536Mi', '2Gi', '3Ti']);
});

test('names that are alike are written as a range, and as a list', async (t) => {
  const { hosts } = simulate(`${about}hosts: [{ ids: ["a{08..11}.hr", b, "c{1..2}"] }]`);
  t.same(
    hosts.map(({ id }) => id),
    ['a08.hr', 'a09.hr', 'a10.hr', 'a11.hr', 'b', 'c1', 'c2'],
  );
});

test('what is left out has a plain default', async (t) => {
  t.match(simulate(`${about}hosts: [{ id: a }]\nsteps: [{ place: { name: web } }]`), {
    steps: [{ outcome: { kind: 'placed', vms: [{ name: 'web', host: 'a' }] }, held: null, expected: null }],
    hosts: [
      {
        site: 'zagreb',
        rack: '',
        state: 'ready',
        used: { vcpus: 1, memoryMib: 1024, diskMib: 10_240, vms: 1 },
        total: { vcpus: 16, memoryMib: 65_536, diskMib: 1_048_576, vms: 1000 },
      },
    ],
  });
});

/** A text, and what is said of it. */
const wrong: Record<string, [text: string, ...said: string[]][]> = {
  'a text that is no YAML': [
    ['about: "A test.', 'line 1: Missing closing "quote'],
    [`${about}hosts: []\nhosts: []`, 'line 3: Map keys must be unique'],
    ['[1]', 'line 1: must be keys and values'],
    ['', 'line 1: about is missing'],
  ],
  'a key that is not known': [
    [`${about}hots: []`, 'line 2: hots is not known; known are about, strategy, sites,'],
    [
      `${about}hosts:\n  - id: a\n    memry: 4Gi`,
      'line 4: hosts[1].memry is not known; known are id, ids, site',
    ],
    [
      `${about}steps:\n  - place: { name: a, memry: 4Gi }`,
      'line 3: steps[1].place.memry is not known; known are',
    ],
    [
      `${about}steps:\n  - plase: { name: a }`,
      'line 3: steps[1] must have one of place, remove, refuse, set,',
    ],
    [
      `${about}steps:\n  - { place: { name: a }, remove: a }`,
      'steps[1].remove is not known; known are place, bestEffort, displace, expect',
    ],
    [`${oneHost}steps:\n  - { remove: a, expect: a }`, 'steps[1].expect is not known; known are remove'],
    [
      `${oneHost}steps:\n  - { set: { host: a, memry: 1Gi } }`,
      'steps[1].set.memry is not known; known are host,',
    ],
    [
      `${oneHost}steps:\n  - { set: { site: zagreb, memory: 1Gi } }`,
      'steps[1].set.memory is not known; known are',
    ],
  ],
  'a value that is not allowed': [
    [`${about}hosts: [{ id: a, memory: 4GB }]`, 'hosts[1].memory must be a size such as 512Mi, 4Gi or 1Ti,'],
    [`${about}hosts: [{ id: a, vcpus: many }]`, 'hosts[1].vcpus must be a whole number from 0 to 4096'],
    [
      `${about}hosts: [{ id: a, rack: 1 }]`,
      'hosts[1].rack must be text; a number is written in quotes to be text',
    ],
    [`${about}hosts: [{ id: a, traits: ssd }]`, 'hosts[1].traits must be a list'],
    [`${about}hosts: [{ id: a, traits: [ssd, ssd] }]`, 'hosts[1].traits names something twice'],
    [`${about}hosts: [{ id: a, cordoned: 1 }]`, 'hosts[1].cordoned must be true or false'],
    [
      `${about}hosts: [{ id: a, state: redy }]`,
      'hosts[1].state must be one of joined, ready, suspect, lost,',
    ],
    [
      `${about}hosts: [{ id: none }]`,
      'hosts[1].id must be lower-case letters, digits, dots and hyphens, and not',
    ],
    [`${about}hosts: [{ id: "a{1..2}" }]`, 'hosts[1].id must be lower-case letters'],
    [
      `${about}hosts: [{ ids: "a{2..1}" }]`,
      'hosts[1].ids "a{2..1}" is no range: a range is written "b{1..40}"',
    ],
    [`${about}hosts: [{ ids: "a{1..99999}" }]`, 'with at most 10000 names'],
    [`${about}hosts: [{ ids: [] }]`, 'hosts[1].ids is empty'],
    [`${about}hosts: [{ ids: ["a{1..3}", a2] }]`, 'hosts[1].ids names something twice'],
    [`${about}hosts: [{}]`, 'hosts[1] must have either "id", for one, or "ids", for a range or a list'],
    [`${about}hosts: [{ id: a, ids: b }]`, 'hosts[1] must have either "id"'],
    [`${about}sites: { zagreb: { country: Croatia } }`, 'sites.zagreb.country must be two capital letters'],
    [`${about}sites: { Zagreb: }`, 'sites.Zagreb must be lower-case letters, digits and hyphens'],
    [
      `${about}sites: { zagreb: { vcpuOvercommit: 2 } }`,
      'vcpuOvercommit must be a whole number from 10 to 3200',
    ],
    [`${oneHost}steps: [{ place: [] }]`, 'steps[1].place is empty'],
    [
      `${oneHost}steps: [{ place: { names: ["a{1..9999}", b, c] } }]`,
      'steps[1].place asks for more than 10000 VMs',
    ],
    [
      `${oneHost}steps: [{ capacity: { limit: 0 } }]`,
      'steps[1].capacity.limit must be a whole number from 1 to 10000',
    ],
    [`${oneHost}steps: [5]`, 'steps[1] must have one of place,'],
  ],
  'a group that cannot be': [
    [group('{ group: web, policy: near }'), 'groups[1].policy must be one of apart, together, spread'],
    [
      group('{ group: web, policy: spread }'),
      'groups[1].scope must be rack or site when the policy is spread',
    ],
    [group('{ group: web, policy: apart, maxSkew: 1 }'), 'groups[1].maxSkew is only for policy: spread'],
    [group('{ group: web }'), 'groups[1].policy is missing'],
    [group('{ group: web, policy: apart }, { group: web, policy: together }'), 'groups names a group twice'],
  ],
  'an expectation that could never hold': [
    [expecting('b'), 'steps[1].expect speaks of host "b", which is not there; hosts are a'],
    [expecting('{ b: 1 }'), 'steps[1].expect speaks of host "b"'],
    [expecting('{ wbe: a }'), 'steps[1].expect speaks of VM "wbe", which is not there; VMs are web'],
    [expecting('{ web: b }'), 'steps[1].expect speaks of host "b"'],
    [
      expecting('{ refused: { LACKS_MEMRY: 1 } }'),
      'steps[1].expect.refused.LACKS_MEMRY is not known; known are HOST',
    ],
    [expecting('{ refused: { LACKS_MEMORY: x } }'), 'expect.refused.LACKS_MEMORY must be a whole number'],
    [expecting('{ refused: {}, soul: {} }'), 'steps[1].expect.soul is not known; known are refused, sole,'],
    [
      `${oneHost}steps: [{ explain: {}, expect: { choosen: a } }]`,
      'expect.choosen is not known; known are chosen,',
    ],
    [`${oneHost}steps: [{ explain: {}, expect: { chosen: b } }]`, 'expect speaks of host "b"'],
    [
      `${oneHost}steps: [{ capacity: {}, expect: { zagrb: 1 } }]`,
      'expect speaks of site "zagrb", which is not there',
    ],
  ],
  'a name that is not there': [
    [
      `${about}hosts: [{ id: a, site: zagrb }]`,
      'hosts[1].site speaks of site "zagrb", which is not there; sites are',
    ],
    [`${about}hosts: [{ id: a, dedicatedTo: x }]`, 'hosts[1].dedicatedTo speaks of administration "x"'],
    [
      `${about}administrations: { a: { parent: b } }`,
      'administrations.a.parent speaks of administration "b"',
    ],
    [
      `${about}pools: { nfs: { hosts: [x] } }`,
      'pools.nfs.hosts speaks of host "x", which is not there; there are no',
    ],
    [`${about}steps: [{ place: { name: web, image: x } }]`, 'steps[1].place.image speaks of image "x"'],
    [`${about}steps: [{ place: { name: web, pool: x } }]`, 'steps[1].place.pool speaks of pool "x"'],
    [`${about}steps: [{ explain: { sites: [x] } }]`, 'steps[1].explain.sites speaks of site "x"'],
    [`${about}steps: [{ capacity: { excludedHosts: [x] } }]`, 'capacity.excludedHosts speaks of host "x"'],
    [
      `${about}steps: [{ remove: web }]`,
      'steps[1].remove speaks of VM "web", which is not there; there are no VMs',
    ],
    [`${about}steps: [{ refuse: web }]`, 'steps[1].refuse speaks of VM "web"'],
    [`${about}steps: [{ set: { host: x } }]`, 'steps[1].set.host speaks of host "x"'],
    [`${about}steps: [{ set: { site: x } }]`, 'steps[1].set.site speaks of site "x"'],
    [`${about}steps: [{ lose: { site: x } }]`, 'steps[1].lose.site speaks of site "x"'],
    [`${about}steps: [{ lose: { host: x } }]`, 'steps[1].lose.host speaks of host "x"'],
  ],
  'a name that is left out and not clear': [
    [`${about}sites: { x: , y: }\nhosts: [{ id: a }]`, 'hosts[1].site is missing; sites are x, y'],
    [`${about}sites: { x: , y: }\npools: { p: { hosts: [a] } }`, 'pools.p.site is missing; sites are x, y'],
    [
      `${about}images: { x: , y: }\nsteps: [{ explain: {} }]`,
      'steps[1].explain.image is missing; images are x, y',
    ],
    [
      `${about}administrations: { x: , y: }\nsteps: [{ explain: {} }]`,
      'steps[1].explain.administration is missing',
    ],
  ],
  'VMs of several administrations where there can be one': [
    [
      `${about}administrations: { x: , y: }
steps:
  - place: [{ name: v, administration: x }, { name: w, administration: y }]`,
      'line 4: steps[1].place[2].administration must be the same for all VMs of a step',
    ],
    [
      `${about}administrations: { x: , y: }
steps:
  - place: { name: v, administration: x }
  - place: { name: v, administration: y }`,
      'line 5: steps[2].place names VM "v", which is of administration "x" in an earlier step',
    ],
  ],
  'what cannot be done': [
    [
      `${about}administrations: { a: { parent: b }, b: { parent: a } }`,
      'line 2: administrations.a.parent is above itself: a is below b is below a',
    ],
    [
      `${about}sites: { x: , y: }
hosts: [{ id: a, site: x }]
pools:
  nfs: { site: y, hosts: [a] }`,
      'line 5: pools.nfs host "a" is of site "x"; a pool is mounted by hosts of its own site, "y"',
    ],
    [`${about}hosts: [{ id: a }, { id: a, rack: r }]`, 'hosts[2] host "a" has already joined in rack ""'],
    [
      `${about}hosts: [{ id: a, state: quarantined }]\nsteps: [{ set: { host: a, state: ready } }]`,
      'steps[1] host "a" is quarantined, and cannot become ready from there',
    ],
    [
      `${about}hosts: [{ id: a, state: ready }]\nsteps: [{ set: { host: a, state: joined } }]`,
      'steps[1] host "a" is ready, and cannot become joined from there',
    ],
    [`${about}steps: [{ set: { host: a } }, { join: { id: a } }]`, 'steps[1] host "a" has not joined yet'],
    [`${oneHost}steps: [{ lose: { site: zagreb, rack: r1 } }]`, 'steps[1] there is no such host'],
    [
      `${about}sites: { zagreb: { recovering: true } }\nsteps: [{ join: { id: a } }]`,
      'steps[1] site "zagreb" is in recovery; no host joins',
    ],
    [`${oneHost}steps: [{ place: { name: v, memory: 9Gi } }, { refuse: v }]`, 'steps[2] no host has VM "v"'],
    [
      `${oneHost}images: { linux: { size: 20Gi } }\nsteps: [{ explain: {} }]`,
      'steps[1] a disk of 10240 MiB cannot hold image "linux"',
    ],
  ],
};

function group(rules: string): string {
  return `${oneHost}steps: [{ place: { name: web, groups: [${rules}] } }]`;
}

function expecting(expected: string): string {
  return `${oneHost}steps: [{ place: { name: web }, expect: ${expected} }]`;
}

for (const [what, cases] of Object.entries(wrong)) {
  test(`${what} is told with its line, its path and what is allowed`, async (t) => {
    for (const [text, ...said] of cases) {
      const told = faults(text);
      t.match(told, /^line \d+: /, text);
      for (const words of said) t.ok(told.includes(words), `${words}\n in: ${told}`);
    }
  });
}

test('all faults are told at once', async (t) => {
  const told = faults(
    `${about}sites: { zagreb: { country: x, cuntry: HR } }\nhosts: [{ id: A }, { id: b, vms: -1 }]`,
  );
  t.same(
    told.split('\n').map((line) => line.split(' ').slice(0, 3).join(' ')),
    [
      'line 2: sites.zagreb.country',
      'line 2: sites.zagreb.cuntry',
      'line 3: hosts[1].id',
      'line 3: hosts[2].vms',
    ],
  );
});

/** What is found different in the one step of a scenario that expects something. */
function differencesOf(t: Test, step: string, expected: string): string[] {
  const text = `${about}
hosts: [{ id: a, memory: 4Gi }, { id: b, memory: 8Gi }]
steps:
  - ${step}
    expect: ${expected}
`;
  const { steps, held, expectations } = simulate(text);
  t.same(parse(stringify(steps[0]?.expected)), parse(expected));
  t.equal(expectations, 1);
  t.equal(held, steps[0]?.held ? 1 : 0);
  return steps[0]?.differences ?? [];
}

test('every part of an expectation is held against what came', async (t) => {
  const one = 'place: { name: web, memory: 4Gi }';
  const three = 'place: { names: "w{1..3}", memory: 4Gi }';
  const big = 'place: { name: big, memory: 10Gi }';
  const reasons = 'LACKS_MEMORY: 2';
  for (const [step, right, wrong, said] of [
    [one, 'a', 'b', 'expected b, found a'],
    [one, '{ a: 1 }', '{ a: 1, b: 1 }', 'expected { a: 1, b: 1 }, found { a: 1 }'],
    [one, '{ web: a }', '{ web: b }', 'expected { web: b }, found { web: a }'],
    [one, 'a', '{ refused: NO_HOST }', 'expected reason NO_HOST, found nothing'],
    [three, '{ b: 2, a: 1 }', '{ a: 3 }', 'expected { a: 3 }, found { a: 1, b: 2 }'],
    [three, '{ w1: a, w2: b, w3: b }', 'a', 'expected a, found { a: 1, b: 2 }'],
    [big, `{ refused: { ${reasons} } }`, 'a', 'expected a, found nothing'],
    [big, '{ refused: NO_HOST }', '{ refused: POOL_FULL }', 'expected reason POOL_FULL, found NO_HOST'],
    [
      big,
      `{ refused: { ${reasons} }, sole: { ${reasons} } }`,
      '{ refused: { LACKS_MEMORY: 1, CORDONED: 1 } }',
      'expected excluded { CORDONED: 1, LACKS_MEMORY: 1 }, found { LACKS_MEMORY: 2 }',
    ],
    [
      big,
      `{ refused: { ${reasons} }, suggestion: spec.memory_mib=8192, temporary: false }`,
      `{ refused: { ${reasons} }, suggestion: none }`,
      'expected suggestion none, found spec.memory_mib=8192',
    ],
    [
      'explain: { memory: 4Gi, preferTraits: [ssd] }',
      '{ chosen: a, runnerUp: b, softViolations: 1, eligible: 2, hosts: 2, excluded: {}, misses: {} }',
      '{ chosen: a, runnerUp: none }',
      'expected runnerUp none, found b',
    ],
    [
      'capacity: { memory: 4Gi }',
      '{ zagreb: 3 }',
      '{ zagreb: 2 }',
      'expected { zagreb: 2 }, found { zagreb: 3 }',
    ],
    ['capacity: { memory: 16Gi }', '{}', '{ zagreb: 0 }', 'expected { zagreb: 0 }, found {}'],
  ] as const) {
    t.same(differencesOf(t, step, right), [], right);
    t.same(differencesOf(t, step, wrong), [said], wrong);
  }
});
