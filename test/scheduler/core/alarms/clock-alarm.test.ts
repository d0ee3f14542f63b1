/** The alarm about a wall clock that has jumped. */
import { test } from 'tap';
import { clockAlarm } from '../../../../scheduler/core/alarms/clock-alarm.js';
import { smallWorld } from '../world.js';

test('a clock that has jumped is told once, as long as it stands, and with what to do', async (t) => {
  const world = smallWorld('a');
  t.equal(clockAlarm(world.state), null);
  world.run({ type: 'clock.note', jumpMs: 3600_000 });
  const sinceMs = world.state.federation.clockJump?.sinceMs;
  t.match(clockAlarm(world.state), {
    code: 'CLOCK_JUMPED',
    severity: 'critical',
    about: { kind: 'federation' },
    sinceMs,
    message: /60 minutes ahead of/,
    advice: /timedatectl/,
  });
  const { sequence } = world.state;
  world.run({ type: 'clock.note', jumpMs: 3600_007 });
  t.equal(world.state.sequence, sequence);
  world.run({ type: 'clock.note', jumpMs: 0 });
  t.equal(clockAlarm(world.state), null);
  world.run({ type: 'clock.note', jumpMs: -600_000 });
  t.match(clockAlarm(world.state), { message: /10 minutes behind/ });
  world.run({ type: 'federation.open', instance: 'next', name: 'see', incarnation: 1 });
  t.equal(clockAlarm(world.state), null, 'whoever begins believes the clock that there is');
});
