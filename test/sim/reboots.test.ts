/** The check that reboots are done once each, by itself: libvirt may carry one out when the next was done already. */
import { test } from 'tap';
import type { Effect } from '../../agent/converge/effects.js';
import { FakeHost } from '../../agent/hypervisor/fake/fake-host.js';
import { RebootRules } from './checker/reboots.js';
import type { Machine } from './machine.js';
import { StateFile } from './state-file.js';

const uid = '00000000-0000-4000-8000-000000000001';

/** A machine with one guest that runs, and what the check says of it. */
function watched() {
  const metadata = { uid, term: 1, generation: 1, specHash: '', rebootCount: 0 };
  const power = { kind: 'running' } as const;
  const domain = { uid, name: 'guest', power, metadata, vcpus: 1, memoryMib: 512 };
  const fake = new FakeHost({ domains: [domain], volumes: [], trash: [] });
  const machine = { name: 'h1', fake, stateFile: new StateFile(), agent: {} } as Machine;
  const said: string[] = [];
  const due: (() => void)[] = [];
  const rules = new RebootRules(
    (rule, message) => said.push(`${rule}: ${message}`),
    (_ms, work) => due.push(work),
  );
  const ask = (effect: Effect) => {
    rules.onEffect(machine, effect);
    return effect;
  };
  const carryOut = (call: Effect) => {
    rules.onCall(machine, call);
    if (call.kind === 'record') fake.record(uid, call.metadata);
  };
  const count = (rebootCount: number) =>
    carryOut(ask({ kind: 'record', uid, metadata: { ...metadata, rebootCount } }));
  const askReset = () => ask({ kind: 'reset', uid });
  return { said, due, rules, machine, count, askReset, carryOut };
}

const twice = `O7: VM ${uid} is rebooted twice by the same order`;

test('a reset that libvirt carries out late is one of the order that it was asked for by', async (t) => {
  const { said, count, askReset, carryOut } = watched();
  count(1);
  const late = askReset();
  count(2);
  carryOut(askReset());
  carryOut(late);
  t.same(said, []);
});

test('two by the same order are found, however late each is', async (t) => {
  const { said, count, askReset, carryOut } = watched();
  count(1);
  const late = askReset();
  carryOut(askReset());
  count(2);
  t.same(said, []);
  carryOut(late);
  t.same(said, [twice]);
});

test('what a late mark has taken back is known by the file of the agent', async (t) => {
  const { said, machine, count, askReset, carryOut } = watched();
  count(1);
  carryOut(askReset());
  count(2);
  const reached = { generation: 1, rebootCount: 2 };
  const permits = [{ uid, term: 1, reached }] as unknown as typeof machine.stateFile.content.permits;
  machine.stateFile.write({ epoch: null, checkpoint: null, permits });
  count(1);
  carryOut(askReset());
  t.same(said, []);
});

test('an older journal gives numbers anew, and what was asked for before stays of before', async (t) => {
  const { said, rules, count, askReset, carryOut } = watched();
  count(1);
  const late = askReset();
  rules.restored();
  carryOut(askReset());
  carryOut(late);
  t.same(said, []);
  carryOut(askReset());
  t.same(said, [twice]);
});

test('a late one of an earlier order does not do what was counted since', async (t) => {
  const { said, due, count, askReset, carryOut } = watched();
  count(1);
  const late = askReset();
  count(2);
  carryOut(late);
  for (const look of due) look();
  t.same(said, [`O7: reboot 2 of VM ${uid} is written down on h1, and not done`]);
});

test('and one of its own does', async (t) => {
  const { said, due, count, askReset, carryOut } = watched();
  count(1);
  carryOut(askReset());
  for (const look of due) look();
  t.same(said, []);
});
