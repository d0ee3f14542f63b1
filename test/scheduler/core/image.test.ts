import { test } from 'tap';
import { smallWorld } from './world.js';

const remove = (id: string, etag = '') => ({ type: 'image.delete', id, etag }) as const;

test('an image id is used once at a time', async (t) => {
  const world = smallWorld();
  t.throws(() => world.image('tiny'), { message: /already/ });
  world.run(remove('tiny'));
  world.image('tiny');
  t.ok(world.state.images.has('tiny'));
});

test('deleting an image that is not there is refused', async (t) => {
  t.match(smallWorld().refused(remove('none')), { kind: 'not_found', reason: 'IMAGE_NOT_FOUND' });
});

test('a stale etag keeps an image', async (t) => {
  t.match(smallWorld().refused(remove('tiny', '"2"')), { kind: 'aborted', reason: 'ETAG_MISMATCH' });
});

test('an unused image goes at once', async (t) => {
  const world = smallWorld();
  world.run(remove('tiny'));
  t.equal(world.state.images.size, 0);
  t.equal(world.state.imagesByUid.size, 0);
});

test('a deleted image that VMs were made from is kept for them, and goes with the last', async (t) => {
  const world = smallWorld('a');
  const first = world.settled('first');
  const second = world.settled('second');
  const uid = first.spec.imageUid;
  world.run(remove('tiny'));
  t.match(world.refused(world.createOf([world.newVm('third')])), { reason: 'IMAGE_NOT_FOUND' });
  t.match(world.state.imagesByUid.get(uid), { id: 'tiny', deleted: true });
  for (const vm of [first, second]) {
    t.ok(world.state.imagesByUid.has(uid));
    world.delete(vm);
    world.see(vm, 'absent');
  }
  t.notOk(world.state.imagesByUid.has(uid));
});

test('a new image under an old id is another image', async (t) => {
  const world = smallWorld('a');
  const old = world.settled('old');
  world.run(remove('tiny'));
  world.image('tiny', 200);
  const young = world.settled('young');
  t.not(old.spec.imageUid, young.spec.imageUid);
  t.equal(world.state.imagesByUid.get(old.spec.imageUid)?.virtualSizeMib, 100);
  t.equal(world.state.imagesByUid.get(young.spec.imageUid)?.virtualSizeMib, 200);
});
