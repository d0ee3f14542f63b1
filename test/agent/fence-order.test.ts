/** An order to fence on its way through the whole agent: from the scheduler's word to the result and the status. */
import t from 'tap';
import { AgentProcess } from './agent-process.js';
import { FenceFixtures, guid } from './fence-fixtures.js';
import { SchedulerDouble } from './scheduler-double.js';
import { until } from './until.js';
import { uidOf } from './world.js';

const fixtures = new FenceFixtures();
const scheduler = new SchedulerDouble();
await scheduler.listen();
const works = fixtures.method('works');
const lies = fixtures.method('lies');
const [liesFirst, worksThen] = [fixtures.method('lies'), fixtures.method('works')];

/** As settings may have it. */
const asSetting = ({ method }: ReturnType<FenceFixtures['method']>) => ({ ...method, timeoutSeconds: 5 });
const ownGuid = 'ab'.repeat(16).replace('b', 'c');
const agent = new AgentProcess({
  scheduler: scheduler.address,
  fencing: {
    h1: [asSetting(works)],
    h2: [asSetting(works)],
    h3: [asSetting(lies)],
    h4: [asSetting(liesFirst), asSetting(worksThen)],
  },
  controllerGuidCommand: ['echo', ownGuid],
});
agent.start();
t.teardown(async () => {
  await agent.dispose();
  scheduler.close();
  fixtures.dispose();
});

const orderTo = (number: number, host: string, change = {}) => ({
  fenceOrder: {
    id: uidOf(number),
    host: `hosts/${host}`,
    epoch: scheduler.epoch,
    controllerGuid: guid,
    ...change,
  },
});
const withdrawal = (number: number, epoch = scheduler.epoch) => ({
  fenceWithdrawal: { id: uidOf(number), epoch },
});
const resultOf = (number: number, times = 1) =>
  until(`result ${number}`, () => {
    const results = scheduler.fenceResults.filter(({ id }) => id === uidOf(number));
    return results.length >= times && results.at(-1);
  });

t.test('the scheduler hears whom the host can fence, and which controller it has itself', async (t) => {
  await until('the link', () => scheduler.linked);
  t.equal(scheduler.hellos[0]?.inventory?.controllerGuid, ownGuid);
  const targets = await until('the targets', () => {
    const last = scheduler.reports.at(-1)?.fenceTargets ?? [];
    return last.length > 0 && last.every(({ problem }) => problem === '') && last;
  });
  t.same(
    targets.map(({ host, methods, controllerGuid }) => ({ host, methods, controllerGuid })),
    Object.entries({ h2: 1, h3: 1, h4: 2 }).map(([host, methods]) => ({
      host: `hosts/${host}`,
      methods: Array(methods).fill('fence_fake'),
      controllerGuid: guid,
    })),
    'and not itself, although its name is in the settings',
  );
  const told = JSON.stringify([scheduler.hellos, scheduler.reports]);
  t.notOk(told.includes('sesame') || told.includes(fixtures.folder), 'no more than that');
});

t.test('an order is carried out once, and answered as often as it is said', async (t) => {
  scheduler.say(orderTo(1, 'h2'));
  scheduler.say(orderTo(1, 'h2'));
  t.match(await resultOf(1), { outcome: 'FENCE_OUTCOME_OFF', method: 'fence_fake', message: /reads back/ });
  scheduler.hangUp();
  await until('the link', () => scheduler.linked);
  scheduler.say(orderTo(1, 'h2'));
  t.match(await resultOf(1, 2), { outcome: 'FENCE_OUTCOME_OFF' });
  t.equal(works.calls().filter((call) => call.startsWith('off')).length, 1);
});

t.test('what the agent will not do is answered too', async (t) => {
  scheduler.say(orderTo(2, 'h1'));
  t.match(await resultOf(2), { outcome: 'FENCE_OUTCOME_FAILED', message: 'a host does not fence itself' });
  scheduler.say(orderTo(3, 'h2', { controllerGuid: 'ef'.repeat(16) }));
  t.match(await resultOf(3), { outcome: 'FENCE_OUTCOME_UNMATCHED', method: '' });
  scheduler.say(orderTo(4, 'h2', { controllerGuid: ownGuid }));
  t.match(await resultOf(4), { outcome: 'FENCE_OUTCOME_FAILED', message: /controller of this host/ });
  scheduler.say(orderTo(5, 'h2', { epoch: { ...scheduler.epoch, incarnation: 0 } }));
  scheduler.say(orderTo(6, 'h3'));
  t.match(await resultOf(6), { outcome: 'FENCE_OUTCOME_FAILED', message: /still on/ });
  t.notOk(
    scheduler.fenceResults.some(({ id }) => id === uidOf(5)),
    'E1: an order of an older epoch is not even answered',
  );
});

t.test('an order that is withdrawn has nothing more begun by it', async (t) => {
  scheduler.say(orderTo(7, 'h4'));
  await until('it has begun', () => liesFirst.calls().some((call) => call.startsWith('off')));
  scheduler.say(withdrawal(7, { ...scheduler.epoch, incarnation: 0 }));
  scheduler.say(withdrawal(6));
  scheduler.say(withdrawal(7));
  t.match(await resultOf(7), {
    outcome: 'FENCE_OUTCOME_FAILED',
    message: /it is still on.*fence_fake was not tried: the order was withdrawn/,
  });
  t.same(
    worksThen.calls().filter((call) => call.startsWith('off')),
    [],
  );
  scheduler.say(orderTo(8, 'h4'));
  t.match(await resultOf(8), { outcome: 'FENCE_OUTCOME_OFF' }, 'a new one is carried out');
  scheduler.say(orderTo(9, 'h3'));
  await resultOf(9);
});

t.test('the status shows it', async (t) => {
  const { stdout } = agent.status();
  t.match(stdout, new RegExp(`controller ${ownGuid}`));
  t.match(stdout, `can fence h2 by fence_fake: controller ${guid}`);
  t.match(stdout, /last fence h3 \d+ s ago: not proven to be off \(.*still on/);
});
