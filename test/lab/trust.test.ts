/** Certificates of real hosts with guests on them: renewed under way, revoked, and given anew for a token. */
import t from 'tap';
import { Laboratory, lab, processOf, until } from './laboratory.js';

const laboratory = await Laboratory.up();
await laboratory.clear();
t.teardown(async () => {
  await laboratory.clear();
  laboratory.close();
});

const newest = ({ certificates }: { certificates: { serial: string }[] }) =>
  certificates.at(-1)?.serial ?? '';

t.test('a certificate is renewed under a running VM, and the stream does not notice', async (t) => {
  const vm = await laboratory.running('renewed');
  const guest = await processOf(vm.host, vm.uid);
  const before = await laboratory.host(vm.host);
  t.not(newest(before), '');
  // The laboratory's live for a minute and a half, and are renewed after a minute.
  const after = await until(
    'the host has another certificate',
    async () => {
      const host = await laboratory.host(vm.host);
      return newest(host) === newest(before) ? null : host;
    },
    180_000,
  );
  t.same(after.connectTime, before.connectTime, 'it is the same stream');
  t.equal(after.state, 'HOST_STATE_READY');
  t.equal((await laboratory.vm(vm.name)).state, 'VM_STATE_RUNNING');
  t.equal(await processOf(vm.host, vm.uid), guest, 'the guest has run through it');
  await laboratory.clear();
});

t.test('a revoked host is cut off, its VM runs on, and a token brings it back', async (t) => {
  const vm = await laboratory.running('revoked');
  const guest = await processOf(vm.host, vm.uid);
  await laboratory.secovia('host', 'revoke', vm.host, '--yes', '--reason', 'its key was seen elsewhere');
  const cut = await until('the host is not ready', async () => {
    const host = await laboratory.host(vm.host);
    return host.state === 'HOST_STATE_READY' ? null : host;
  });
  t.ok(cut.revoked);
  const lost = await until('its lease ends and is not given again', async () => {
    const host = await laboratory.host(vm.host);
    return host.state === 'HOST_STATE_LOST' ? host : null;
  });
  t.equal(lost.state, 'HOST_STATE_LOST');
  t.equal(await processOf(vm.host, vm.uid), guest, 'nobody has stopped the guest');
  await until('the host itself says why', async () => /revoked/.test(await laboratory.agentStatus(vm.host)));
  const token = await laboratory.secovia('token', 'create', '--site', vm.host.replace(/-\d+$/, ''));
  await lab('host', vm.host, 'join', token.trim(), '--new-key');
  await until('the host is ready', async () => (await laboratory.host(vm.host)).state === 'HOST_STATE_READY');
  t.notOk((await laboratory.host(vm.host)).revoked);
  await until('the VM is seen running', async () => {
    const { state } = await laboratory.vm(vm.name);
    return state === 'VM_STATE_RUNNING';
  });
  t.equal(await processOf(vm.host, vm.uid), guest, 'and it is the same guest');
});
