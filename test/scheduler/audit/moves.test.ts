/** What the record tells of a VM that moves: its hosts to those who run them, and to its owner that it moves. */
import { test } from 'tap';
import { events } from '../../../scheduler/audit/events.js';
import { list } from '../../../scheduler/audit/listing.js';
import type { Visibility } from '../../../scheduler/core/audit/questions.js';
import { auditEntryMessage } from '../../../scheduler/render/audit.js';
import { eventMessage } from '../../../scheduler/render/event.js';
import { SqliteChain } from '../../../scheduler/store/sqlite/sqlite-chain.js';
import { Record } from './record.js';

test('of a move its owner is told no host, and those who run hosts all of it', async (t) => {
  const record = await Record.open(t);
  t.teardown(() => record.close());
  const { world, file } = record;
  world.run({ type: 'federation.open', instance: 'first', name: 'test', incarnation: 1 });
  world.site('zagreb');
  world.administration('adm');
  world.image('tiny');
  const hosts = ['old-host', 'new-host'];
  for (const host of hosts) {
    world.join(host, 'zagreb');
    world.hello(host, { inventory: { architecture: 'x86_64', migrationUri: `qemu+tls://${host}/system` } });
  }
  world.run({
    type: 'pool.create',
    id: 'san',
    site: 'zagreb',
    path: '/srv/san',
    hosts,
    capacityMib: 100_000,
  });
  world.run({ type: 'host.cordon', id: 'new-host', cordoned: true });
  const vm = world.settled('web', { pool: 'san' });
  world.run({ type: 'host.cordon', id: 'new-host', cordoned: false });
  const move = { type: 'vm.migrate', vm: { uid: vm.uid }, host: null, graceSeconds: 60, etag: '' } as const;
  world.run({ ...move, mode: 'live', operation: world.draw('operation') });
  const given = world.state.vms.get(vm.uid)?.move?.term ?? 0;
  const agent = { identity: 'spiffe://lab/host/new-host', onBehalf: '', method: 'Link', requestId: '' };
  world.engine.actingFor(agent, () => world.see(vm, 'awaited', { term: given }, 'new-host'));
  world.run({ type: 'vm.move_give_up', uid: vm.uid, message: 'new-host has not had it within 30 min' });
  world.see(vm, 'running');
  world.see(vm, 'absent', { term: given }, 'new-host');
  world.run({ ...move, mode: 'cold', operation: world.draw('operation') });
  await record.row();
  const told = (visibility: Visibility) => {
    const question = {
      kind: 'events',
      visibility,
      of: { kind: 'everything' },
      order: 'oldest',
      from: { sequence: 1, position: 0 },
      to: world.engine.head.sequence,
      size: 1000,
      filter: '',
    } as const;
    const chain = new SqliteChain(file);
    const [piece] = [...events(question, chain)];
    chain.close();
    if (piece === undefined || !('events' in piece)) throw new Error('no answer');
    return piece.events
      .filter(({ change }) => change.type === 'vm.move' || change.type === 'operation.target_ended')
      .map((event) => eventMessage(world.state, event, visibility));
  };
  const listed = (visibility: Visibility) => {
    const range = { from: world.engine.head.sequence, to: 1, size: 1000, filter: '', vms: {} };
    const chain = new SqliteChain(file);
    const [piece] = [...list({ kind: 'list', visibility, ...range }, chain)];
    chain.close();
    if (piece === undefined || !('entries' in piece)) throw new Error('no answer');
    return piece.entries.map((entry) => auditEntryMessage(world.state, entry, visibility));
  };
  const all = JSON.stringify([told({ kind: 'everything' }), listed({ kind: 'everything' })]);
  t.match(all, /ended for VM .*: it runs on old-host: new-host has not had it/);
  t.match(all, /spiffe:\/\/lab\/host\/new-host/);
  t.match(all, /is handed over to host new-host/);
  t.match(all, /is not to be handed over to host new-host any more: new-host has not had it/);
  t.match(all, /is to go off, to be moved to host new-host/);
  const visibility: Visibility = { kind: 'administrations', administrations: ['adm'] };
  const own = JSON.stringify([told(visibility), listed(visibility)]);
  t.match(own, /is handed over to another host/);
  t.match(own, /is to go off, to be moved to another host/);
  t.match(own, /ended for VM .*: it has not moved/);
  t.match(own, /spiffe:\/\/lab\/host\/-/, 'that an agent has told of it is no secret');
  t.notMatch(own, /new-host|old-host/);
});
