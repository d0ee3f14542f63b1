/** Events as those see them whom they concern, and as nobody else does. */
import tap, { test } from 'tap';
import { events } from '../../../scheduler/audit/events.js';
import { mostLinesOfPage } from '../../../scheduler/audit/listing.js';
import type {
  EventsQuestion,
  EventsOf,
  ListedEvent,
  Place,
  Visibility,
} from '../../../scheduler/core/audit/questions.js';
import type { Vm } from '../../../scheduler/core/model.js';
import { eventMessage } from '../../../scheduler/render/event.js';
import type { Chain } from '../../../scheduler/store/store.js';
import { SqliteChain } from '../../../scheduler/store/sqlite/sqlite-chain.js';
import { smallRecord } from './record.js';

const record = await smallRecord(tap);
tap.teardown(() => record.close());
const { world } = record;
const one = world.state.vmByName('alpha-adm', 'alpha-one') as Vm;
world.see(one, 'running');
world.run({ type: 'vm.update', vm: { uid: one.uid }, title: 'a private title', etag: '' });
await record.row();
const { head } = world.engine;

const everything: Visibility = { kind: 'everything' };

function ask(change: Partial<EventsQuestion> = {}, chain: Chain = new SqliteChain(record.file)) {
  const question: EventsQuestion = {
    kind: 'events',
    visibility: everything,
    of: { kind: 'everything' },
    order: 'oldest',
    from: { sequence: 1, position: 0 },
    to: head.sequence,
    size: 1000,
    filter: '',
    ...change,
  };
  const [piece, ...others] = [...events(question, chain)];
  chain.close();
  if (piece === undefined || !('events' in piece) || others.length > 0) throw new Error('no single answer');
  return piece;
}

const told = (visibility: Visibility, of: EventsOf = { kind: 'everything' }) =>
  ask({ visibility, of }).events.map((event) => eventMessage(world.state, event, visibility));
const words = (messages: ReturnType<typeof told>) => JSON.stringify(messages);

test('whoever sees everything is told of both partners, in the order in which it happened', async (t) => {
  const all = told(everything);
  t.match(words(all), /alpha-two.*beta-host/);
  const places = all.map(({ sequence, position }) => Number(sequence) * 1000 + Number(position));
  t.same(
    places,
    [...places].sort((a, b) => a - b),
  );
  t.notMatch(words(all), /data class|image|IDENTITY/);
});

test('a partner is told of its own, also of a decision about VMs of both', async (t) => {
  const alpha = told({ kind: 'partner', partner: 'alpha' });
  t.match(words(alpha), /made VM administrations\/alpha-adm\/vms\/alpha-both on host alpha-host/);
  t.notMatch(words(alpha), /beta-both|beta-one|beta-host|beta-site/);
  const beta = told({ kind: 'partner', partner: 'beta' });
  t.match(words(beta), /beta-both on host beta-host/);
  t.notMatch(words(beta), /alpha-both|alpha-one|alpha-two|alpha-host/);
  t.same(told({ kind: 'partner', partner: 'gamma' }), []);
});

test('what its owner calls a VM is nothing to the operators of its host', async (t) => {
  const title = 'a private title';
  t.match(words(told(everything)), title);
  t.match(words(told({ kind: 'administrations', administrations: ['alpha-adm'] })), title);
  const operators = words(told({ kind: 'partner', partner: 'alpha' }));
  t.notMatch(operators, title);
  t.match(operators, /VM administrations\/alpha-adm\/vms\/alpha-one was changed/);
});

test('an administration is told of its own VMs, without hosts and what they had free', async (t) => {
  const own = told({ kind: 'administrations', administrations: ['alpha-adm'] });
  const codes = own.map(({ code }) => code);
  t.ok(codes.includes('VM_CREATED'));
  t.notOk(codes.some((code) => code?.startsWith('HOST')));
  for (const event of own) t.match(event, { host: '', reason: '' });
  t.notMatch(words(own.filter(({ code }) => code === 'VM_CREATED')), /-host|beta-one/);
  t.same(told({ kind: 'nothing' }), []);
  t.same(told({ kind: 'administrations', administrations: [] }), []);
});

test('what is asked for does not widen what is seen', async (t) => {
  const beta: EventsOf = { kind: 'hosts', site: 'beta-site', hosts: ['beta-host'] };
  t.ok(told({ kind: 'partner', partner: 'beta' }, beta).length > 0);
  t.same(told({ kind: 'partner', partner: 'alpha' }, beta), []);
  const others: EventsOf = { kind: 'administrations', administrations: ['beta-adm'] };
  t.same(told({ kind: 'administrations', administrations: ['alpha-adm'] }, others), []);
});

test('pages in any size add up to the whole, in both orders', async (t) => {
  const key = ({ sequence, position }: ListedEvent) => `${sequence}.${position}`;
  const forward = ask().events.map(key);
  for (const order of ['oldest', 'newest'] as const) {
    const whole = order === 'oldest' ? forward : [...forward].reverse();
    for (const size of [1, 2, 3, 7]) {
      const found: string[] = [];
      let from: Place | null =
        order === 'oldest'
          ? { sequence: 1, position: 0 }
          : { sequence: head.sequence, position: Number.MAX_SAFE_INTEGER };
      const to = order === 'oldest' ? head.sequence : 1;
      while (from !== null) {
        const page = ask({ order, from, to, size });
        t.ok(page.events.length <= size);
        found.push(...page.events.map(key));
        from = page.next;
      }
      t.same(found, whole, `${order} by ${size}`);
    }
  }
});

test('a page ends after so many lines, whether they are told or not, and says where to go on', async (t) => {
  const line = Buffer.from('[1,[{"type":"image.deleted","id":"x"}],{},{},{}]');
  const count = mostLinesOfPage + 2;
  const row = (first: number, last: number) => ({
    first,
    last,
    lines: Array.from({ length: last - first + 1 }, () => ({ text: line, parts: null })),
  });
  const chain = {
    rows: function* (first: number, last: number) {
      yield row(first, last);
    },
    rowsBackwards: function* (from: number) {
      yield row(1, from);
    },
    close: () => {},
  } as unknown as Chain;
  t.same(ask({ to: count }, chain), { events: [], next: { sequence: mostLinesOfPage + 1, position: 0 } });
  const from = { sequence: count, position: Number.MAX_SAFE_INTEGER };
  t.match(ask({ order: 'newest', from, to: 1 }, chain), { events: [], next: { sequence: 2 } });
});
