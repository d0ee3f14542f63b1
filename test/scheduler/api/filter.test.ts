import fc from 'fast-check';
import { test } from 'tap';
import { FilterError, filterLimit, type FilterSchema, parseFilter } from '../../../scheduler/api/filter.js';
import { Sight } from '../../../scheduler/core/access/sight.js';
import { vmFilterSchema } from '../../../scheduler/api/vm-filter.js';
import { smallWorld } from '../core/world.js';
import { holds } from '../holds.js';

interface Thing {
  name: string;
  size: number;
  on: boolean;
  labels: Record<string, string>;
  tags: string[];
}

const schema: FilterSchema<Thing> = {
  fields: { name: (thing) => thing.name, size: (thing) => thing.size, on: (thing) => thing.on },
  maps: { labels: (thing) => thing.labels },
  lists: { tags: (thing) => thing.tags },
};
const thing: Thing = {
  name: 'web 1',
  size: 5,
  on: true,
  labels: { env: 'prod', 'a.b/c': 'x' },
  tags: ['ssd', 'gpu/a30'],
};
const matches = (filter: string, of: Thing = thing) => parseFilter(filter, schema)(of);

test('comparisons', async (t) => {
  const cases: [string, boolean][] = [
    ['', true],
    ['  \n ', true],
    ['name = "web 1"', true],
    ["name = 'web 1'", true],
    ['name = web', false],
    ['name != web', true],
    ['name : WEB', true],
    ['name:web', true],
    ['name:*', true],
    ['name : db', false],
    ['size = 5', true],
    ['size = "5"', true],
    ['size = 5.0', true],
    ['size = ""', false],
    ['size = " "', false],
    ['size != 5', false],
    ['size < 5', false],
    ['size <= 5', true],
    ['size > 4.5', true],
    ['size>=6', false],
    ['on = true', true],
    ['on = TRUE', false],
    ['on != false', true],
    ['labels.env = prod', true],
    ['labels.env = "prod"', true],
    ['labels.env : *', true],
    ['labels.none : *', false],
    ['labels.none = ""', false],
    ['labels.none != prod', true],
    ['labels.a.b/c = x', true],
    ['labels.constructor : *', false],
    ['labels.__proto__ : *', false],
    ['labels.toString : *', false],
    ['name = "web \\1"', true],
    ['name = "\\"web"', false],
    ['NOT name = web', true],
    ['NOT NOT name = web', false],
    ['(name = web OR size = 5)', true],
    ['tags:ssd', true],
    ['tags : "gpu/a30"', true],
    ['tags:ss', false],
    ['tags:SSD', false],
    ['tags:*', true],
    ['NOT tags:hdd', true],
  ];
  for (const [filter, expected] of cases) t.equal(matches(filter), expected, filter);
});

test('OR binds tighter than AND, as AIP-160 has it, and NOT tighter than both', async (t) => {
  const yes = 'size = 5';
  const no = 'size = 6';
  const cases: [string, boolean][] = [
    [`${no} AND ${no} OR ${yes}`, false],
    [`${yes} OR ${no} AND ${no}`, false],
    [`(${no} AND ${no}) OR ${yes}`, true],
    [`${no} OR ${yes} AND ${yes}`, true],
    [`NOT ${no} AND ${yes}`, true],
    [`NOT ${yes} OR ${yes}`, true],
  ];
  for (const [filter, expected] of cases) t.equal(matches(filter), expected, filter);
});

test('what cannot be read is a FilterError with a sentence', async (t) => {
  const filters = [
    'name',
    'name =',
    '= web',
    'name web',
    'name = (web)',
    'name == web',
    'none = 1',
    'labels = 1',
    'labels. ',
    '.env = 1',
    'size < five',
    'size < ""',
    'size > "  "',
    'AND',
    'name = web AND',
    'name = web OR',
    'NOT',
    '(name = web',
    'name = web)',
    '()',
    '"name" = web',
    'name = "web',
    "name = 'web",
    'name = !',
    'tags = ssd',
    'tags != ssd',
    'tags > 1',
    'tags.ssd = 1',
    'tags:',
    'constructor = 1',
    '__proto__ = 1',
    'toString = 1',
    '__proto__.x = 1',
    'name = web name = web',
    `${'('.repeat(200)}name = web${')'.repeat(200)}`,
    `${'NOT '.repeat(200)}name = web`,
    `name = ${'x'.repeat(filterLimit)}`,
  ];
  for (const filter of filters) {
    let error: unknown;
    try {
      matches(filter);
    } catch (caught) {
      error = caught;
    }
    t.ok(error instanceof FilterError, filter.slice(0, 40));
  }
});

test('any text is either a filter or refused in time', async (t) => {
  const piece = fc.constantFrom(
    'name',
    'size',
    'on',
    'labels.x',
    'web',
    '5',
    '=',
    '!=',
    '<',
    '<=',
    '>',
    '>=',
    ':',
    '(',
    ')',
    'AND',
    'OR',
    'NOT',
    '"a"',
    "'",
    '"',
    '\\',
    '*',
    '\0',
    '\u202e',
    '\u{1f600}',
    '\ud800',
    ' ',
    '\n',
    '-',
  );
  const text = fc.oneof(
    fc.string({ maxLength: 60, unit: 'binary' }),
    fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(' ')),
    fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join('')),
  );
  holds(
    t,
    fc.property(text, (filter) => {
      try {
        const result = parseFilter(filter, schema)(thing);
        if (typeof result !== 'boolean') throw new Error(`gave ${result}`);
      } catch (error) {
        if (!(error instanceof FilterError)) throw error;
      }
    }),
    2000,
  );
});

/** A filter as a tree, its text, and what it should say. */
interface Tree {
  text: string;
  says(of: Thing): boolean;
}
const leaf: fc.Arbitrary<Tree> = fc.oneof(
  fc
    .record({ op: fc.constantFrom('=', '!=', '<', '<=', '>', '>='), n: fc.integer({ min: 0, max: 6 }) })
    .map(({ op, n }) => ({
      text: `size ${op} ${n}`,
      says: ({ size }: Thing) =>
        ({
          '=': size === n,
          '!=': size !== n,
          '<': size < n,
          '<=': size <= n,
          '>': size > n,
          '>=': size >= n,
        })[op] ?? false,
    })),
  fc.string({ maxLength: 3 }).map((value) => ({
    text: `name = "${value.replace(/["\\]/g, '\\$&')}"`,
    says: ({ name }: Thing) => name === value,
  })),
  fc.boolean().map((on) => ({ text: `on = ${on}`, says: (of: Thing) => of.on === on })),
);
const { tree } = fc.letrec<{ tree: Tree; group: Tree }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    tie('group').map(({ text, says }) => ({ text: `NOT ${text}`, says: (of: Thing) => !says(of) })),
    tie('group'),
  ),
  group: fc
    .record({ parts: fc.array(tie('tree'), { minLength: 1, maxLength: 3 }), all: fc.boolean() })
    .map(({ parts, all }) => ({
      text: `(${parts.map(({ text }) => text).join(all ? ' AND ' : ' OR ')})`,
      says: (of: Thing) => (all ? parts.every(({ says }) => says(of)) : parts.some(({ says }) => says(of))),
    })),
}));

test('a filter says what its parts say', async (t) => {
  const given = fc.record({
    name: fc.string({ maxLength: 3 }),
    size: fc.integer({ min: 0, max: 6 }),
    on: fc.boolean(),
    labels: fc.constant({}),
    tags: fc.constant<string[]>([]),
  });
  holds(
    t,
    fc.property(tree, given, ({ text, says }, of) => {
      if (text.length > filterLimit) return true;
      return parseFilter(text, schema)(of) === says(of);
    }),
    1000,
  );
});

test('every field of a VM that the contract names can be asked for', async (t) => {
  const world = smallWorld('a');
  const vm = world.settled('web', {
    title: 'Web',
    labels: { env: 'prod' },
    vcpus: 2,
    deletionProtection: true,
  });
  const of = vmFilterSchema(world.state, new Sight(world.state, { role: 'insecure' }));
  for (const filter of [
    'name = "administrations/adm/vms/web"',
    `uid = ${vm.uid}`,
    'title = Web',
    'state = RUNNING',
    'host = "hosts/a"',
    'site = "sites/zagreb"',
    'image = "images/tiny"',
    'vcpus = 2',
    'memory_mib >= 1024',
    'disk_mib <= 1000',
    'deletion_protection = true',
    'labels.env = prod',
    'state = RUNNING AND labels.env = "prod"',
  ]) {
    t.ok(parseFilter(filter, of)(vm), filter);
    t.notOk(parseFilter(`NOT ${filter}`.replace(' AND ', ' AND NOT '), of)(vm), `NOT ${filter}`);
  }
  t.notOk(parseFilter('labels.constructor:*', of)(vm));
  t.notOk(parseFilter('labels.constructor = prod', of)(vm));
  world.see(world.vm('lost'), 'refused');
  t.ok(
    parseFilter('host = "" AND site = "" AND state = FAILED', of)(world.state.vmByName('adm', 'lost') ?? vm),
  );
});
