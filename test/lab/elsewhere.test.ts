/** A host is lost with a VM that restarts elsewhere: fenced by its neighbour, and the VM runs again, exactly once. */
import t from 'tap';
import { Laboratory, lab, mobile, other, processOf, until } from './laboratory.js';

const laboratory = await Laboratory.up();
await laboratory.clear();
t.teardown(async () => {
  await laboratory.clear();
  laboratory.close();
});

t.test(
  'a host that is cut off is powered off, with its guest, before the VM starts on its neighbour',
  async (t) => {
    await laboratory.fencesAreReady();
    const vm = await laboratory.running('moves', mobile);
    const target = other(vm.host);
    await lab('host', vm.host, 'cut');
    const moved = await laboratory.runsOn(vm.name, target);
    t.ok(moved.term > 1, 'under a new term');
    t.equal(moved.uid, vm.uid);
    t.equal((await lab('host', vm.host, 'power')).trim(), 'off', 'nothing of it runs there');
    t.match(await processOf(target, vm.uid), /^\d+$/, 'one process of it runs');
    const fenced = await laboratory.host(vm.host);
    t.match(fenced, { state: 'HOST_STATE_FENCED', waitingVms: 0, leftoverVms: 1 });
    t.match(fenced.fence, { state: 'HOST_FENCE_STATE_OFF', fencer: `hosts/${target}` });

    await lab('host', vm.host, 'power-on');
    await laboratory.hasNothingLeft(vm.host);
    t.same(
      await laboratory.domains(),
      [{ host: target, uuid: vm.uid, state: 'running' }],
      'it lives once, where it went',
    );
    await laboratory.clear();
  },
);

t.test('a host that has lost its power comes back and starts nothing that lives elsewhere', async (t) => {
  await laboratory.fencesAreReady();
  const vm = await laboratory.running('power', mobile);
  const target = other(vm.host);
  const process = await processOf(vm.host, vm.uid);
  t.match(process, /^\d+$/);
  await lab('host', vm.host, 'power-off');
  await laboratory.runsOn(vm.name, target);
  const there = await processOf(target, vm.uid);
  await lab('host', vm.host, 'power-on');
  await laboratory.hasNothingLeft(vm.host);
  t.equal(await processOf(target, vm.uid), there, 'the guest has run through it');
  t.same(await laboratory.domains(), [{ host: target, uuid: vm.uid, state: 'running' }]);
  await laboratory.clear();
});

t.test(
  'without a fence nothing starts elsewhere, the operator is told why, and a word of theirs ends it',
  async (t) => {
    await laboratory.fencesAreReady();
    const vm = await laboratory.running('unproven', mobile);
    const target = other(vm.host);
    // The neighbour's agent is the only one that could do it; it is down until the host is lost.
    await lab('host', target, 'kill-agent', '--stay-down');
    await lab('host', vm.host, 'power-off');
    const lost = await until('it cannot be fenced', async () => {
      const host = await laboratory.host(vm.host);
      return host.fence?.state === 'HOST_FENCE_STATE_FAILED' && host;
    });
    t.match(lost, { state: 'HOST_STATE_LOST', waitingVms: 1 });
    t.match(lost.fence?.message ?? '', /no connected agent of site zagreb.*fence-confirm/);
    t.match(await laboratory.vm(vm.name), {
      term: 1,
      error: { message: /nothing proves yet that it is off/ },
    });
    t.match(await laboratory.secovia('alarms'), /HOST_NOT_FENCED/);
    await laboratory.secovia('host', 'fence-confirm', vm.host, '--yes', '--reason', 'its plug is pulled');
    await lab('host', target, 'start-agent');
    await laboratory.runsOn(vm.name, target);
    await lab('host', vm.host, 'power-on');
    await laboratory.hasNothingLeft(vm.host);
    t.same(await laboratory.domains(), [{ host: target, uuid: vm.uid, state: 'running' }]);
  },
);
