import { test } from 'tap';
import { SchedulerTelemetry } from '../../../scheduler/telemetry/scheduler-telemetry.js';
import { Surveyor } from '../../../scheduler/telemetry/survey.js';
import { StateWalks } from '../../../scheduler/state-walks.js';
import { backlogLimit, type Engine } from '../../../scheduler/engine.js';
import { Numbers } from '../../telemetry/numbers.js';
import { smallWorld } from '../core/world.js';

const { state } = smallWorld();

function watching(change: Partial<Engine>): SchedulerTelemetry {
  const telemetry = new SchedulerTelemetry('1.2.3');
  const well = {
    state,
    backlog: 0,
    writingForMs: 0,
    head: { sequence: 1, hash: Buffer.alloc(32) },
    now: () => 1,
  };
  const engine = { ...well, ...change } as Engine;
  const surveyor = new Surveyor(engine, new StateWalks(), () => []);
  telemetry.watch({ engine, surveyor, agents: () => 0, leases: () => ({ held: 0, ending: 0 }) });
  telemetry.serving();
  return telemetry;
}

test('before the store is open it is alive and not ready, and has numbers of its own', async (t) => {
  const telemetry = new SchedulerTelemetry('1.2.3');
  t.same(telemetry.unready(), ['it is starting']);
  const numbers = new Numbers(await telemetry.metrics());
  t.equal(numbers.value('secovia_scheduler_ready'), 0);
  t.equal(numbers.value('secovia_scheduler_build_info', { version: '1.2.3', node: process.version }), 1);
  t.equal(numbers.value('secovia_scheduler_journal_sequence'), undefined);
});

test('it is ready when it serves and its disk writes', async (t) => {
  const telemetry = watching({});
  t.same(telemetry.unready(), []);
  t.equal(new Numbers(await telemetry.metrics()).value('secovia_scheduler_ready'), 1);
  telemetry.stopping();
  t.same(telemetry.unready(), ['it is stopping']);
});

test('a disk that does not come back, and decisions that pile up, are told', async (t) => {
  t.same(watching({ writingForMs: 9_999 }).unready(), []);
  t.same(watching({ writingForMs: 12_345 }).unready(), ['the store has been at one commit for 12 s']);
  t.same(watching({ backlog: backlogLimit + 1 }).unready(), [
    `${backlogLimit + 1} decisions wait for the disk`,
  ]);
});

test('two schedulers in one process count apart', async (t) => {
  const [one, other] = [watching({}), watching({})];
  one.decided('vm.create', null, 3, 0.01);
  one.committed(1, 2);
  one.turnedAway('OVERLOADED');
  const read = async (telemetry: SchedulerTelemetry) => new Numbers(await telemetry.metrics());
  const labels = { command: 'vm.create', outcome: 'changed' };
  t.equal((await read(one)).value('secovia_scheduler_decisions_total', labels), 1);
  t.equal((await read(one)).value('secovia_scheduler_turned_away_total', { reason: 'OVERLOADED' }), 1);
  t.equal((await read(other)).value('secovia_scheduler_decisions_total', labels), undefined);
});
