import { test } from 'tap';
import { administrationDepthLimit } from '../../../scheduler/core/decide-administration.js';
import { smallWorld } from './world.js';

const create = (id: string, parent: string | null) =>
  ({ type: 'administration.create', id, title: '', parent, country: 'HR' }) as const;

test('administrations form a tree', async (t) => {
  const world = smallWorld();
  t.match(world.run(create('region', 'adm')), { id: 'region', parent: 'adm', revision: 1 });
});

test('an administration id is used once', async (t) => {
  const world = smallWorld();
  const refusal = world.refused(create('adm', null));
  t.match(refusal, { kind: 'already_exists', reason: 'ADMINISTRATION_EXISTS' });
});

test('a parent must be there', async (t) => {
  const world = smallWorld();
  const refusal = world.refused(create('region', 'nobody'));
  t.match(refusal, { kind: 'not_found', reason: 'ADMINISTRATION_NOT_FOUND', resource: { name: 'nobody' } });
});

test('the tree has a depth limit', async (t) => {
  const world = smallWorld();
  let parent = 'adm';
  for (let depth = 2; depth <= administrationDepthLimit; depth += 1) {
    world.run(create(`a${depth}`, parent));
    parent = `a${depth}`;
  }
  const refusal = world.refused(create('too-deep', parent));
  t.match(refusal, { kind: 'precondition', reason: 'TREE_TOO_DEEP', metadata: { limit: '8' } });
});

test('only an administration without VMs and children is deleted', async (t) => {
  const world = smallWorld('a');
  world.run(create('region', 'adm'));
  const vm = world.settled('vm');
  const remove = { type: 'administration.delete', id: 'adm', etag: '' } as const;
  t.match(world.refused(remove), {
    kind: 'precondition',
    reason: 'ADMINISTRATION_IN_USE',
    metadata: { vms: '1', children: '1' },
  });
  world.run({ type: 'administration.delete', id: 'region', etag: '"1"' });
  world.delete(vm);
  t.match(
    world.refused(remove),
    { metadata: { vms: '1', children: '0' } },
    'a VM being deleted still counts',
  );
  world.see(vm, 'absent');
  t.equal(world.run(remove), null);
  t.match(world.refused(remove), { kind: 'not_found', reason: 'ADMINISTRATION_NOT_FOUND' });
});

test('the id of a deleted administration is given again only where it was: what is recorded under it is for whoever has it', async (t) => {
  const world = smallWorld('a');
  for (const [id, parent] of [
    ['croatia', null],
    ['macedonia', null],
    ['hospital', 'croatia'],
    ['top', null],
  ] as const)
    world.run(create(id, parent));
  for (const id of ['hospital', 'top']) world.run({ type: 'administration.delete', id, etag: '' });
  for (const [id, parent] of [
    ['hospital', 'macedonia'],
    ['hospital', null],
    ['top', 'macedonia'],
  ] as const)
    t.match(world.refused(create(id, parent)), {
      kind: 'already_exists',
      reason: 'ADMINISTRATION_ID_USED',
      message: /choose another id/,
    });
  world.run(create('hospital', 'croatia'));
  world.run(create('top', null));
  t.equal(world.state.administrations.get('hospital')?.parent, 'croatia');
  world.run(create('constructor', null));
});

test('a VM without a host keeps its administration', async (t) => {
  const world = smallWorld('a');
  const vm = world.vm('vm');
  world.see(vm, 'refused');
  t.equal(vm.host, null);
  const refusal = world.refused({ type: 'administration.delete', id: 'adm', etag: '' });
  t.match(refusal, { reason: 'ADMINISTRATION_IN_USE', metadata: { vms: '1' } });
});

test('a stale etag keeps an administration', async (t) => {
  const refusal = smallWorld().refused({ type: 'administration.delete', id: 'adm', etag: '"7"' });
  t.match(refusal, { kind: 'aborted', reason: 'ETAG_MISMATCH' });
});
