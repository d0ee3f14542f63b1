/**
 * What every store must do, whatever it keeps things in. `place` gives a fresh place, and opens stores on it and readers of
 * their journals.
 */
import { test } from 'tap';
import type { Test } from 'tap';
import { chainStart } from '../../../scheduler/store/sqlite/chain.js';
import type { EntityRow, Journal, Store } from '../../../scheduler/store/store.js';
import { batch, contentOf, firstEpoch, put, request } from './batches.js';

export type Place = (t: Test) => { open(): Store; openJournal(): Journal };

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

export function storeContract(name: string, place: Place): void {
  test(`${name}: a fresh store is empty`, async (t) => {
    const store = place(t).open();
    t.same(await contentOf(store), {
      head: { sequence: 0, hash: hex(chainStart), lastMs: 0 },
      entities: [],
      decisions: [],
      requests: [],
    });
    t.equal(store.hashAt(0), null);
    t.equal(store.reply(1), null);
    await store.close();
  });

  test(`${name}: what was committed is there when it is opened again`, async (t) => {
    const at = place(t);
    const store = at.open();
    await contentOf(store);
    const labels = { 'a"b': 'č ć 漢 \u{1f600}', __proto__: 'x' };
    const head = await store.commit(
      batch(1, {
        puts: [put('site', 'zg', 0, { labels }), put('vm', 'second', 20), put('vm', 'first', 10)],
        requests: [request(1), request(2, { reply: Buffer.alloc(0) })],
      }),
    );
    t.equal(head.sequence, 1);
    t.same(store.hashAt(1), head.hash);
    await store.close();
    const again = at.open();
    const { head: found, entities, decisions, requests } = await contentOf(again);
    t.same(decisions, [], 'the entities are up to the journal');
    t.same(found, { sequence: 1, hash: hex(head.hash), lastMs: 1001 });
    t.same(
      entities.filter(([kind]) => kind === 'site'),
      [['site', JSON.parse(put('site', 'zg', 0, { labels }).body)]],
    );
    t.same(
      entities.filter(([kind]) => kind === 'vm').map(([, vm]) => vm['id']),
      ['first', 'second'],
      'VMs come by row',
    );
    t.same(
      requests.map(({ row, id, hash, atMs }) => ({ row, id, hash, atMs })),
      [
        { row: 1, id: 'id-1', hash: 'hash-1', atMs: 1001 },
        { row: 2, id: 'id-2', hash: 'hash-2', atMs: 1002 },
      ],
    );
    t.same(again.reply(1), Buffer.from([1, 0, 255]));
    t.same(again.reply(2), Buffer.alloc(0));
    await again.close();
  });

  test(`${name}: an entity that the journal has word for word is saved as well`, async (t) => {
    const at = place(t);
    const store = at.open();
    await contentOf(store);
    const made = [
      put('vm', 'first', 1, { title: 'č 漢' }),
      put('vm', 'second', 2, { title: '\u{1f600}' }),
    ] as const;
    const journal = ['[1001,[{"type":"vm.created","vm":', made[0].body, '},{"vm":', made[1].body, '}]]'];
    const puts = [
      put('site', 'ž'),
      { ...made[0], piece: 1 },
      { ...made[1], piece: 3 },
      put('vm', 'third', 3),
    ];
    await store.commit(batch(1, { journal, puts, requests: [request(1)] }));
    t.same(store.reply(1), Buffer.from([1, 0, 255]));
    await store.close();
    const again = at.open();
    const { entities } = await contentOf(again);
    t.same(
      entities.map(([kind, { id, title }]) => [kind, id, title]),
      [
        ['site', 'ž', undefined],
        ['vm', 'first', 'č 漢'],
        ['vm', 'second', '\u{1f600}'],
        ['vm', 'third', undefined],
      ],
    );
    await again.close();
  });

  test(`${name}: the newest version of an entity counts, and a deleted one is gone`, async (t) => {
    const at = place(t);
    const store = at.open();
    await contentOf(store);
    const puts = [
      put('site', 'a'),
      put('site', 'b'),
      put('vm', 'x', 1),
      put('vm', 'y', 2),
      put('operation', 'o', 1),
    ];
    await store.commit(batch(1, { puts }));
    await store.commit(
      batch(2, {
        puts: [put('site', 'a', 0, { title: 'new' }), put('vm', 'x', 1, { title: 'new' })],
        deletes: [
          { kind: 'site', key: 'b', row: 0 },
          { kind: 'vm', key: 'y', row: 2 },
          { kind: 'operation', key: 'o', row: 1 },
          { kind: 'vm', key: 'never-there', row: 99 },
        ],
      }),
    );
    await store.close();
    const again = at.open();
    const { entities } = await contentOf(again);
    t.same(
      entities.map(([kind, { id, title }]) => [kind, id, title]),
      [
        ['site', 'a', 'new'],
        ['vm', 'x', 'new'],
      ],
    );
    await again.close();
  });

  test(`${name}: a VM's uid may come again in another row, and be deleted there`, async (t) => {
    const at = place(t);
    const store = at.open();
    await contentOf(store);
    const inRow = (row: number): EntityRow => ({ kind: 'vm', key: 'x', row });
    await store.commit(batch(1, { puts: [put('vm', 'x', 1)] }));
    await store.commit(batch(2, { puts: [put('vm', 'x', 2)], deletes: [inRow(1)] }));
    await store.close();
    const again = at.open();
    t.same((await contentOf(again)).entities, [['vm', { id: 'x', row: 2 }]]);
    await again.commit(batch(3, { deletes: [inRow(2)] }));
    await again.close();
    const last = at.open();
    t.same((await contentOf(last)).entities, []);
    await last.close();
  });

  test(`${name}: batches are chained, and the hash of each end is known`, async (t) => {
    const store = place(t).open();
    await contentOf(store);
    const one = await store.commit(batch(1));
    const three = await store.commit(batch(2, { last: 3, journal: ['two\nth', 'ree'] }));
    t.notSame(three.hash, one.hash);
    t.same(store.hashAt(1), one.hash);
    t.same(store.hashAt(3), three.hash);
    t.equal(store.hashAt(2), null, 'no batch ended there');
    t.equal(store.hashAt(4), null);
    await store.close();
  });

  test(`${name}: the journal is read beside the store, from its beginning to where it is asked for`, async (t) => {
    const at = place(t);
    const store = at.open();
    await contentOf(store);
    const one = await store.commit(batch(1));
    const three = await store.commit(batch(2, { last: 3, journal: ['two\nтр', 'и'] }));
    const journal = at.openJournal();
    const read = (upTo: number) => {
      let expected = 1;
      const lines: string[] = [];
      for (const { first, last, text } of journal.pieces(upTo)) {
        t.equal(first, expected, 'the next piece');
        lines.push(...Buffer.from(text).toString().split('\n'));
        t.equal(lines.length, last, 'a line for each decision');
        expected = last + 1;
      }
      return lines;
    };
    const lines = [batch(1).journal.join(''), 'two', 'три'];
    t.same(read(0), []);
    t.same(read(1), lines.slice(0, 1));
    t.same(read(3), lines);
    t.same(journal.headWith(1), { sequence: 1, hash: one.hash });
    t.same(journal.headWith(2), { sequence: 3, hash: three.hash }, 'the batch that has it');
    t.same(journal.headWith(3), { sequence: 3, hash: three.hash });
    t.same(journal.headWith(0), { sequence: 0, hash: chainStart });
    await store.commit(batch(4));
    t.same(read(3), lines, 'what comes later is not read');
    t.equal(read(4).length, 4, 'and is there when it is asked for');
    journal.close();
    await store.close();
  });

  test(`${name}: a kept answer is forgotten by row`, async (t) => {
    const at = place(t);
    const store = at.open();
    await contentOf(store);
    await store.commit(batch(1, { requests: [request(1), request(2), request(3)] }));
    await store.commit(batch(2, { forgetRequestsBefore: 3, requests: [request(4)] }));
    t.equal(store.reply(2), null);
    t.ok(store.reply(3));
    t.ok(store.reply(4));
    await store.close();
    const again = at.open();
    t.same(
      (await contentOf(again)).requests.map(({ row }) => row),
      [3, 4],
    );
    await again.close();
  });

  test(`${name}: a call may be kept again under the same id`, async (t) => {
    const store = place(t).open();
    await contentOf(store);
    await store.commit(batch(1, { requests: [request(1, { id: 'same' })] }));
    await store.commit(batch(2, { requests: [request(2, { id: 'same' })] }));
    t.same(store.reply(2), Buffer.from([2, 0, 255]));
    await store.close();
  });

  test(`${name}: nothing is committed before the store was loaded, and one batch at a time`, async (t) => {
    const store = place(t).open();
    await t.rejects(store.commit(batch(1)), { name: 'StoreError', message: /not loaded/ });
    await contentOf(store);
    const first = store.commit(batch(1));
    await t.rejects(store.commit(batch(2)), { name: 'StoreError', message: /under way/ });
    t.equal((await first).sequence, 1);
    await store.close();
  });

  const gap = 'does not follow the last one';
  const bad: [string, Parameters<typeof batch>[1] & { first: number }][] = [
    [gap, { first: 3 }],
    ['was there before', { first: 1 }],
    ['is of an older epoch', { first: 2, epoch: { ...firstEpoch, counter: 0 } }],
    ['is of an older incarnation', { first: 2, epoch: { incarnation: 0, counter: 9, instance: 'first' } }],
    ['is of the same epoch from another instance', { first: 2, epoch: { ...firstEpoch, instance: 'copy' } }],
  ];
  for (const [what, change] of bad) {
    test(`${name}: a batch that ${what} is refused whole, and nothing is taken after it`, async (t) => {
      const at = place(t);
      const store = at.open();
      await contentOf(store);
      const { hash } = await store.commit(batch(1, { puts: [put('site', 'kept')] }));
      const refused = batch(change.first, { ...change, last: 3, puts: [put('site', 'lost')] });
      await t.rejects(store.commit({ ...refused, requests: [request(1)] }), { name: 'StoreError' });
      await t.rejects(store.commit(batch(2)), { name: 'StoreError' }, 'not even one that would be right');
      await store.close();
      const again = at.open();
      const { head, entities, decisions, requests } = await contentOf(again);
      t.same(head, { sequence: 1, hash: hex(hash), lastMs: 1001 });
      // Entities may be behind the journal when a store was not left in good order.
      const ids = entities.map(([, { id }]) => id);
      if (ids.length === 0) t.same(decisions, batch(1).journal);
      else t.same([ids, decisions], [['kept'], []]);
      t.same(requests, []);
      await again.close();
    });
  }

  test(`${name}: a higher epoch takes over, and the one before cannot write any more`, async (t) => {
    const at = place(t);
    const store = at.open();
    await contentOf(store);
    await store.commit(batch(1));
    await store.commit(batch(2, { epoch: { ...firstEpoch, counter: 2, instance: 'second' } }));
    await t.rejects(store.commit(batch(3)), { name: 'StoreError', message: /another scheduler leads/ });
    await store.close();
    const again = at.open();
    await contentOf(again);
    await again.commit(batch(3, { epoch: { incarnation: 2, counter: 1, instance: 'third' } }));
    await again.close();
    const last = at.open();
    t.equal((await contentOf(last)).head.sequence, 3);
    await last.close();
  });
}
