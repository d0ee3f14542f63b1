/** Calls on the agent's connections to libvirt: what is left of them when they are over, and what they are told when the connections go. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { CallsUnderWay } from '../../agent/hypervisor/libvirt/calls-under-way.js';
import { profileOf } from '../../agent/hypervisor/libvirt/profile.js';
import { LibvirtSession } from '../../agent/hypervisor/libvirt/session.js';
import { nativeStatus } from '../../native/index.js';
import { until } from './until.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const native = nativeStatus();
const skip = native.available ? false : native.reason;
const uri = 'test:///default';

const never = () => new Promise<never>(() => undefined);

async function openSession() {
  const session = new LibvirtSession(uri, profileOf(uri), {
    prepare: async () => undefined,
    available: () => undefined,
    unavailable: () => undefined,
    event: () => undefined,
  });
  session.start();
  await until('available', () => session.available);
  return session;
}

t.test('of thousands of calls that are over nothing is left', async (t) => {
  const underWay = new CallsUnderWay();
  const calls = Array.from({ length: 4_000 }, async (_, number) => {
    const call = number % 2 === 0 ? Promise.resolve(number) : Promise.reject(new Error('refused'));
    return underWay.orLost(call).catch(() => undefined);
  });
  t.equal(underWay.size, 4_000);
  await Promise.all(calls);
  await until('all are forgotten', () => underWay.size === 0);
});

t.test('what is under way when the connections are lost is told, and so is what comes later', async (t) => {
  const underWay = new CallsUnderWay();
  const told = [underWay.orLost(never()), underWay.orLost(never())].map((call) =>
    t.rejects(call, { message: 'gone' }),
  );
  underWay.lose(new Error('gone'));
  await Promise.all(told);
  underWay.lose(new Error('gone once more'));
  await t.rejects(underWay.orLost(never()), { message: 'gone' });
  await t.rejects(underWay.orLost(Promise.reject(new Error('its own'))), { message: 'gone' });
  t.equal(underWay.size, 0);
});

t.test('a session that lasts keeps no answer', { skip }, async (t) => {
  const session = await openSession();
  t.teardown(() => session.close());
  const answers: WeakRef<object>[] = [];
  for (let number = 0; number < 3_000; number++) {
    const answer = await session.run('query', async () => ({ number }));
    answers.push(new WeakRef(answer));
  }
  const kept = () => answers.filter((answer) => answer.deref() !== undefined).length;
  // The last ones may still be on somebody's stack.
  await until('they are let go of', () => {
    collectGarbage();
    return kept() < 10;
  });
  t.pass();
});

t.test('calls that hang when a session ends are answered', { skip }, async (t) => {
  const session = await openSession();
  const told = t.rejects(session.run('query', never), {
    name: 'HypervisorError',
    fault: 'unavailable',
    message: /stopping/,
  });
  await session.close();
  await told;
});
