import { test } from 'tap';
import type { Change } from '../../../../scheduler/core/changes.js';
import type { Segment } from '../../../../scheduler/core/accounting/segment.js';
import type { Vm } from '../../../../scheduler/core/model.js';
import {
  administration,
  agreement,
  type Decision,
  host,
  hour,
  partner,
  price,
  site,
  startMs,
  textOf,
  vm,
} from './journal-history.js';
import { segmentsOf, settlementsOf } from './read.js';

/** Two partners: zg of Croatia lets administrations of Macedonia use its site under `g`. */
const setUp: Change[] = [
  { type: 'partner.set', partner: partner('zg', 'HR') },
  { type: 'partner.set', partner: partner('sk', 'MK') },
  { type: 'site.created', site: site('zagreb', 'zg', 'HR') },
  { type: 'site.created', site: site('skopje', 'sk', 'MK') },
  { type: 'host.joined', host: host('zg-1', 'zagreb') },
  { type: 'host.joined', host: host('zg-2', 'zagreb') },
  { type: 'host.joined', host: host('sk-1', 'skopje') },
  { type: 'administration.created', administration: administration('bitola', null, 'MK') },
  {
    type: 'agreement.set',
    agreement: agreement('g', {
      partner: 'zg',
      beneficiary: { kind: 'administration', administration: 'bitola' },
      price: price({ vcpuMicros: 10_000, memoryGibMicros: 2000, diskGibMicros: 100, stoppedPercent: 25 }),
    }),
  },
];

const gib = 1024;
const spec = { vcpus: 4, memoryMib: 8 * gib, diskMib: 100 * gib, imageUid: 'i', pool: '' };
const created = (change: Partial<Vm> = {}): Change => ({
  type: 'vm.created',
  vm: vm('web', 'bitola', { id: 'web', spec, host: 'zg-1', agreement: 'g', ...change }),
});
const desired = (what: Vm['desired']): Change => ({
  type: 'vm.desired',
  uid: 'web',
  desired: what,
  generation: 2,
  stopMode: 'graceful',
  stopGraceSeconds: 60,
});
const placed = (on: string, under?: string): Change => ({
  type: 'vm.placed',
  uid: 'web',
  host: on,
  ...(under === undefined ? {} : { agreement: under }),
  term: 2,
  generation: 2,
  refusedBy: [],
});
const removed: Change = { type: 'vm.removed', uid: 'web' };
const fault = { code: 9, reason: 'NO_SPACE', message: 'no space' };

/** A journal: after so many hours, what. */
function journal(...later: [hours: number, ...changes: Change[]][]): Buffer {
  const decisions: Decision[] = [[startMs, setUp]];
  for (const [hours, ...changes] of later) decisions.push([startMs + hours * hour, changes]);
  return textOf(decisions);
}

const endMs = startMs + 720 * hour;

/** `1-3 zg-1 4/8192/102400`: hours, host, sizes. */
function shown({ fromMs, toMs, place, vcpus, memoryMib, diskMib, stopped }: Segment): string {
  const hours = `${(fromMs - startMs) / hour}-${(toMs - startMs) / hour}`;
  return `${hours} ${place.host} ${vcpus}/${memoryMib / gib}/${diskMib / gib}${stopped ? ' stopped' : ''}`;
}

const shownOf = (text: Buffer) => segmentsOf(text, endMs).map(shown);
const amountOf = (text: Buffer, toMs = endMs) =>
  settlementsOf(text, [{ fromMs: startMs, toMs }])[0]?.lines.map(
    ({ debtor, amountMinor, currency }) => `${debtor} ${amountMinor} ${currency}`,
  );

const cases: [string, Buffer, string[]][] = [
  [
    'a VM counts from when a host has it until it is removed',
    journal([1, created()], [3, removed]),
    ['1-3 zg-1 4/8/100'],
  ],
  ['one that is still there counts to the end', journal([1, created()]), ['1-720 zg-1 4/8/100']],
  [
    'one that no host has does not count, and neither does one that its host has refused',
    journal(
      [1, created({ host: null, agreement: undefined })],
      [2, placed('zg-1', 'g')],
      [3, { type: 'vm.unplaced', uid: 'web', fault, refusedBy: ['zg-1'] }],
      [5, removed],
    ),
    ['2-3 zg-1 4/8/100'],
  ],
  [
    'a move under another agreement, or under none any more, begins a new segment, and any other step of it none',
    journal(
      [1, created()],
      [2, { type: 'vm.move', uid: 'web', move: null, generation: 2, agreement: null }],
      [3, { type: 'vm.move', uid: 'web', move: null, generation: 3 }],
      [4, { type: 'vm.move', uid: 'web', move: null, generation: 4, agreement: 'g' }],
      [6, removed],
    ),
    ['1-2 zg-1 4/8/100', '2-4 zg-1 4/8/100', '4-6 zg-1 4/8/100'],
  ],
  [
    'what it is seen to do changes nothing: crashed or on a lost host, it holds what it holds',
    journal(
      [1, created()],
      [2, { type: 'vm.observed', uid: 'web', state: 'crashed', generation: 1, rebootCount: 0, fault }],
      [3, { type: 'host.state', id: 'zg-1', state: 'lost', reason: 'silence' }],
      [4, removed],
    ),
    ['1-4 zg-1 4/8/100'],
  ],
  [
    'it moves from host to host without a gap, and never counts on both',
    journal([1, created()], [2, placed('zg-2', 'g')], [3, placed('sk-1')], [4, removed]),
    ['1-2 zg-1 4/8/100', '2-3 zg-2 4/8/100', '3-4 sk-1 4/8/100'],
  ],
  [
    'a host that had it all along changes nothing',
    journal([1, created()], [2, placed('zg-1', 'g')], [3, removed]),
    ['1-3 zg-1 4/8/100'],
  ],
  [
    'a restored scheduler that learns where it is counts it there',
    journal(
      [1, created()],
      [2, { type: 'vm.adopted', uid: 'web', host: 'zg-2', agreement: 'g', term: 9, generation: 9 }],
      [3, removed],
    ),
    ['1-2 zg-1 4/8/100', '2-3 zg-2 4/8/100'],
  ],
  [
    'a stop counts from the order, and so does a start; an order to delete changes nothing',
    journal([1, created()], [2, desired('stopped')], [4, desired('deleted')], [5, removed]),
    ['1-2 zg-1 4/8/100', '2-5 zg-1 4/8/100 stopped'],
  ],
  [
    'a new size counts from the decision',
    journal(
      [1, created()],
      [2, { type: 'vm.resized', uid: 'web', spec: { ...spec, vcpus: 6 }, generation: 2 }],
      [3, removed],
    ),
    ['1-2 zg-1 4/8/100', '2-3 zg-1 6/8/100'],
  ],
  [
    'a displaced or parked VM has its disk there and nothing more, until it has its room again',
    journal(
      [1, created({ desired: 'stopped' })],
      [2, { type: 'vm.displaced', uid: 'web', displacedFor: 'other' }],
      [3, { type: 'vm.returned', uid: 'web' }, desired('running')],
      [4, desired('stopped')],
      [5, { type: 'vm.parked', uid: 'web' }],
      [6, removed],
    ),
    [
      '1-2 zg-1 4/8/100 stopped',
      '2-3 zg-1 0/0/100 stopped',
      '3-4 zg-1 4/8/100',
      '4-5 zg-1 4/8/100 stopped',
      '5-6 zg-1 0/0/100 stopped',
    ],
  ],
  [
    'a new price divides the time, a new title of the agreement does not',
    journal(
      [1, created()],
      [2, { type: 'agreement.set', agreement: withPrice(20_000) }],
      [3, { type: 'agreement.set', agreement: { ...withPrice(20_000), title: 'other' } }],
      [4, removed],
    ),
    ['1-2 zg-1 4/8/100', '2-4 zg-1 4/8/100'],
  ],
  [
    'a restart of the scheduler divides nothing',
    journal(
      [1, created()],
      [2, { type: 'federation.opened', epoch: { incarnation: 1, counter: 2, instance: 'b' }, name: 'x' }],
      [3, removed],
    ),
    ['1-3 zg-1 4/8/100'],
  ],
];

function withPrice(vcpuMicros: number) {
  const [set] = setUp.slice(-1) as [Extract<Change, { type: 'agreement.set' }>];
  return { ...set.agreement, price: { ...set.agreement.price, vcpuMicros } };
}

for (const [sentence, text, expected] of cases) {
  test(sentence, async (t) => t.same(shownOf(text), expected));
}

test('an hour costs what the prices say', async (t) => {
  // 4 * 0.01 + 8 * 0.002 + 100 * 0.0001 = 0.066 EUR an hour, stopped (0.04 + 0.016) / 4 + 0.01 = 0.024.
  t.same(amountOf(journal([0, created()], [100, removed])), ['partners/sk 660 EUR']);
  t.same(amountOf(journal([0, created({ desired: 'stopped' })], [100, removed])), ['partners/sk 240 EUR']);
  const parked: Change = { type: 'vm.parked', uid: 'web' };
  t.same(amountOf(journal([0, created({ desired: 'stopped' }), parked], [100, removed])), [
    'partners/sk 100 EUR',
  ]);
  t.same(amountOf(journal([0, created()]), startMs + hour / 2), ['partners/sk 3 EUR'], '3.3 cents');
});

test('a line is rounded once, and half goes to the even amount', async (t) => {
  const half = (cents: number): Change => ({
    type: 'agreement.set',
    agreement: {
      ...withPrice(0),
      price: price({ vcpuMicros: (cents * 10_000) / 8, memoryGibMicros: 0, diskGibMicros: 0 }),
    },
  });
  // 4 vCPUs for an hour: half of `cents`.
  for (const [cents, amount] of [
    [1, 0],
    [3, 2],
    [5, 2],
    [7, 4],
  ] as const) {
    t.same(amountOf(journal([0, half(cents), created()], [1, removed])), [`partners/sk ${amount} EUR`]);
  }
  const other = { ...vm('db', 'bitola', { id: 'db', spec, host: 'zg-1', agreement: 'g' }) };
  const both = journal(
    [0, half(1), created(), { type: 'vm.created', vm: other }],
    [1, removed, { type: 'vm.removed', uid: 'db' }],
  );
  t.same(amountOf(both), ['partners/sk 1 EUR'], 'two halves make a whole');
});

test("own use costs nothing, nor does use of an open partner's site without an agreement", async (t) => {
  const own = journal([0, created({ host: 'sk-1', agreement: undefined })]);
  t.same(settlementsOf(own, [{ fromMs: startMs, toMs: endMs }]), [{ lines: [], debts: [], balances: [] }]);
  // Bitola becomes the creditor's own: from then on it owes itself.
  const taken = journal(
    [0, created()],
    [10, { type: 'partner.set', partner: partner('zg', 'HR', ['bitola']) }],
  );
  t.same(amountOf(taken), ['partners/sk 66 EUR']);
});

test('who owes is the home partner of the beneficiary at each time', async (t) => {
  const mk = (administrations: string[]): Change => ({
    type: 'partner.set',
    partner: partner('sk', 'MK', administrations),
  });
  const text = journal(
    [0, created()],
    [100, mk(['other'])],
    [200, { type: 'partner.set', partner: partner('al', 'AL', ['bitola']) }],
    [300, { type: 'partner.deleted', id: 'al' }, mk([])],
    [400, removed],
  );
  t.same(amountOf(text), ['administrations/bitola 660 EUR', 'partners/al 660 EUR', 'partners/sk 1320 EUR']);
});

test('the nearest that is named decides, then the first partner by id of the country without a list', async (t) => {
  const town: Change = {
    type: 'administration.created',
    administration: administration('bitola', 'region', 'MK'),
  };
  const region: Change = {
    type: 'administration.created',
    administration: administration('region', null, 'AL'),
  };
  const agreed = (): Change => ({ type: 'agreement.set', agreement: withPrice(10_000) });
  const base = (...partners: Change[]) =>
    journal([0, region, town, ...partners, agreed(), created()], [100, removed]);
  const of = (id: string, country: string, names: string[] = []): Change => ({
    type: 'partner.set',
    partner: partner(id, country, names),
  });
  t.same(amountOf(base(of('a', 'XK', ['region']), of('z', 'XK', ['bitola']))), ['partners/z 660 EUR']);
  t.same(amountOf(base(of('a', 'XK', ['region']))), ['partners/a 660 EUR']);
  t.same(amountOf(base(of('a', 'MK', ['elsewhere']), of('aa', 'MK'))), ['partners/aa 660 EUR']);
});

test('a site of an older journal stands for its partner', async (t) => {
  const text = textOf([
    [startMs, [{ type: 'site.created', site: site('old', 'older', 'MK') }]],
    [startMs, [...setUp.filter(({ type }) => type !== 'partner.set'), created()]],
    [startMs + 100 * hour, [removed]],
  ]);
  t.same(amountOf(text), ['partners/older 660 EUR'], 'the first by id of the country: older, sk');
});

test('debts are netted between two parties, in each currency by itself', async (t) => {
  const back = (id: string, currency: string, vcpuMicros: number): Change => ({
    type: 'agreement.set',
    agreement: agreement(id, {
      partner: 'sk',
      beneficiary: { kind: 'partner', partner: 'zg' },
      price: price({ currency, vcpuMicros, memoryGibMicros: 0, diskGibMicros: 0 }),
    }),
  });
  const guest = (id: string, under: string): Change => ({
    type: 'vm.created',
    vm: vm(id, 'zagreb', { id, spec, host: 'sk-1', agreement: under }),
  });
  const text = journal(
    [
      0,
      back('eur', 'EUR', 1000),
      back('yen', 'JPY', 5_000_000),
      created(),
      guest('e', 'eur'),
      guest('j', 'yen'),
    ],
    [100, removed, { type: 'vm.removed', uid: 'e' }, { type: 'vm.removed', uid: 'j' }],
  );
  const [settlement] = settlementsOf(text, [{ fromMs: startMs, toMs: endMs }]);
  t.same(settlement?.debts, [
    { debtor: 'partners/sk', creditor: 'partners/zg', amountMinor: 620, currency: 'EUR' },
    { debtor: 'partners/zg', creditor: 'partners/sk', amountMinor: 2000, currency: 'JPY' },
  ]);
  t.same(settlement?.balances, [
    { party: 'partners/sk', amountMinor: -620, currency: 'EUR' },
    { party: 'partners/sk', amountMinor: 2000, currency: 'JPY' },
    { party: 'partners/zg', amountMinor: 620, currency: 'EUR' },
    { party: 'partners/zg', amountMinor: -2000, currency: 'JPY' },
  ]);
});

test('a journal that does not fit together settles nothing', async (t) => {
  t.throws(() => shownOf(journal([1, removed])), /does not fit the journal/);
  t.throws(() => shownOf(journal([1, created({ host: 'nowhere' })])), /does not fit the journal/);
  t.throws(() => shownOf(journal([1, created({ agreement: 'unknown' })])), /does not fit the journal/);
  t.throws(() => shownOf(journal([2, created()], [1, removed])), /goes back in time/);
  for (const damage of [
    '[1',
    '[1,[{"type":"vm.created"',
    '{}',
    '[x,[]]',
    '[1,[]]x',
    '[1,[{"type":"x"}{}]]',
  ]) {
    t.throws(() => segmentsOf(Buffer.from(damage), endMs), /cannot be read/, damage);
  }
});
