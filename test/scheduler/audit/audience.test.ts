import { test } from 'tap';
import type { JournalLine } from '../../../scheduler/core/audit/line.js';
import { Fold } from '../../../scheduler/core/accounting/fold.js';
import { readJournal } from '../../../scheduler/core/accounting/journal-text.js';
import { EngineWorld } from '../engine-world.js';
import { MemoryStore } from '../store/memory-store.js';

const price = { currency: 'EUR', vcpuMicros: 1, memoryGibMicros: 1, diskGibMicros: 1, stoppedPercent: 0 };

/** Partners `alpha` and `beta`, each with a site, a host and an administration of its country. */
async function twoPartners() {
  const store = new MemoryStore();
  const world = await EngineWorld.on(store);
  world.run({ type: 'federation.open', instance: 'first', name: 'test', incarnation: 1 });
  for (const [id, country] of [
    ['alpha', 'HR'],
    ['beta', 'SI'],
  ] as const) {
    world.run({ type: 'partner.create', id, title: '', country, administrations: [], open: true });
    world.site(`${id}-site`, country, id);
    world.administration(`${id}-adm`, null, country);
    world.host(`${id}-host`, `${id}-site`);
  }
  world.image('tiny');
  const lines = async () => {
    await world.engine.readable();
    return store.disk.journal.flatMap((body) => body.split('\n'));
  };
  /** Whom the newest decision concerns, without numbers. */
  const concerned = async (): Promise<Record<string, number[] | 'all'>> => {
    const line = (await lines()).at(-1) as string;
    const [, , , audience = {}] = JSON.parse(line) as JournalLine;
    return Object.fromEntries(
      Object.entries(audience).map(([id, value]) => [id, typeof value === 'number' ? 'all' : value.slice(1)]),
    );
  };
  return { world, lines, concerned };
}

const at = (...sites: string[]) => ({ placement: { sites, countries: [], excludedHosts: [] } });

test('a decision concerns the partners whose things it is about', async (t) => {
  const { world, concerned } = await twoPartners();
  const vm = world.run(world.createOf([world.newVm('v', at('alpha-site'))], 'beta-adm')).vms[0];
  if (vm === undefined) throw new Error('no VM');
  t.same(await concerned(), { alpha: 'all' }, 'where a VM is, whosever it is');
  world.see(vm, 'running');
  t.same(await concerned(), { alpha: 'all' });
  const limit = { vcpus: 9 };
  world.run({
    type: 'quota.set',
    administration: 'beta-adm',
    scope: { kind: 'everywhere' },
    limit,
    etag: '',
  });
  t.same(await concerned(), { beta: 'all' }, 'whose own an administration is');
  world.run({
    type: 'quota.set',
    administration: 'beta-adm',
    scope: { kind: 'site', site: 'alpha-site' },
    limit,
    etag: '',
  });
  t.same(await concerned(), { beta: 'all', alpha: 'all' }, 'and whose site it is about');
  world.run({ type: 'class.create', id: 'secret', title: '', level: 9 });
  t.same(await concerned(), { alpha: 'all', beta: 'all' }, 'what holds for everybody');
  world.run({ type: 'host.cordon', id: 'beta-host', cordoned: true });
  t.same(await concerned(), { beta: 'all' });
  world.run({ type: 'administration.create', id: 'town', title: '', parent: 'alpha-adm', country: 'HR' });
  t.same(await concerned(), { alpha: 'all' }, 'a new one too');
  world.run({ type: 'administration.move', id: 'town', parent: 'beta-adm', etag: '' });
  t.ok('alpha' in (await concerned()));
  world.run({
    type: 'agreement.create',
    id: 'g',
    title: '',
    partner: 'alpha',
    beneficiary: { kind: 'partner', partner: 'beta' },
    limit: {},
    limitPercent: null,
    reserve: {},
    price,
    fromMs: world.nowMs,
    untilMs: null,
    noticeDays: 0,
  });
  t.same(await concerned(), { alpha: 'all', beta: 'all' }, 'both sides of an agreement');
});

test('of a decision about several partners each sees its part, and the line is cut there', async (t) => {
  const { world, lines, concerned } = await twoPartners();
  const vms = ['alpha', 'beta', 'alpha'].map((partner, index) =>
    world.newVm(`v${index}`, at(`${partner}-site`)),
  );
  world.run(world.createOf(vms, 'alpha-adm'));
  t.same(await concerned(), { alpha: [0, 2], beta: [1] }, 'the operation of all is shown to none of them');
  const line = (await lines()).at(-1) as string;
  const parts = line.split('\t');
  const [, changes, by, audience, administrations] = JSON.parse(line) as Required<JournalLine>;
  t.same([changes.length, by, administrations], [4, {}, { 'alpha-adm': [] }]);
  t.equal(parts.length, changes.length + Object.keys(audience).length + 5);
  t.match(parts[0], /^\[\d+,\[$/);
  for (const [index, change] of changes.entries()) {
    const { type } = change;
    t.ok(parts[index + 1]?.startsWith(`{"type":"${type}"`), type);
  }
  t.equal(parts[5], '],{},{');
  t.match(parts.slice(6, 8), [/^"alpha":\[\d+,0,2\]$/, /^,"beta":\[\d+,1\]$/]);
  t.same(parts.slice(8), ['},', '{"alpha-adm":[]}', ']']);
});

test('by whose word it was is in the line, and what follows from time is by nobody', async (t) => {
  const { world, lines } = await twoPartners();
  const actor = {
    identity: 'spiffe://test/portal/p',
    onBehalf: 'https://id.test "marko"',
    method: 'secovia.v1.HostService/CordonHost',
    requestId: 'r',
  };
  world.engine.actingFor(actor, () => world.run({ type: 'host.cordon', id: 'alpha-host', cordoned: true }));
  const [, changes, by] = JSON.parse((await lines()).at(-1) as string) as JournalLine;
  t.same(by, { i: actor.identity, f: actor.onBehalf, m: actor.method, r: 'r' });
  t.match(changes, [{ type: 'host.cordoned', before: { cordoned: false } }]);
  world.run({ type: 'host.cordon', id: 'alpha-host', cordoned: false });
  t.same((JSON.parse((await lines()).at(-1) as string) as JournalLine)[2], {});
});

test('accounting reads lines of every kind alike', async (t) => {
  const { world, lines } = await twoPartners();
  const both = ['alpha', 'beta'].map((partner) => world.newVm(`${partner}-vm`, at(`${partner}-site`)));
  world.run(world.createOf(both, 'alpha-adm'));
  world.nowMs += 3_600_000;
  world.run({ type: 'class.create', id: 'secret', title: '"}],', level: 9 });
  const all = await lines();
  /** As a version without all of this would have written it. */
  const plain = all.map((line) => {
    const [atMs, changes] = JSON.parse(line) as JournalLine;
    return JSON.stringify([
      atMs,
      changes.map(({ before: _, why: __, ...change }: Record<string, unknown>) => change),
    ]);
  });
  const usedIn = (journal: readonly string[]) => {
    const used: string[] = [];
    const fold = new Fold((use, fromMs, toMs) =>
      used.push(`${use.vm} ${use.place.partner} ${toMs - fromMs}`),
    );
    const isWhole = readJournal(Buffer.from(journal.join('\n')), {
      decision: () => true,
      change: (change, atMs) => fold.apply(change, atMs),
    });
    fold.close(world.nowMs);
    t.ok(isWhole);
    return used;
  };
  t.same(usedIn(all), ['alpha-vm alpha 3600000', 'beta-vm beta 3600000']);
  t.same(usedIn(plain), usedIn(all));
  t.same(
    usedIn([...plain.slice(0, 5), ...all.slice(5)]),
    usedIn(all),
    'a journal that goes on after an upgrade',
  );
  for (const broken of ['[1,[],{}', '[1,[],{}x', '[1,[]]x', '[1,[{"type":"x"}\t{}],{}]']) {
    t.throws(() => usedIn([broken]), /cannot be read/, broken);
  }
});
