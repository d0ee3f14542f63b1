import { test } from 'tap';
import { type HostEvent, nextHostState } from '../../../scheduler/core/lifecycle/host.js';
import type { HostState } from '../../../scheduler/core/model.js';

const events: HostEvent[] = [
  'connected',
  'libvirt_lost',
  'disconnected',
  'lapsed',
  'fenced',
  'cloned',
  'retired',
];

/** Every state and event, as PROTOCOL.md and the contract have it; a dot is no change. */
const table: Record<HostState, (HostState | '.')[]> = {
  //       connected  libvirt_lost  disconnected  lapsed  fenced  cloned  retired
  joined: ['ready', 'suspect', '.', '.', '.', 'quarantined', 'retired'],
  ready: ['.', 'suspect', 'suspect', 'lost', '.', 'quarantined', 'retired'],
  suspect: ['ready', 'suspect', 'suspect', 'lost', 'fenced', 'quarantined', 'retired'],
  lost: ['ready', 'suspect', '.', '.', 'fenced', 'quarantined', 'retired'],
  fenced: ['ready', 'suspect', '.', '.', '.', 'quarantined', 'retired'],
  quarantined: ['.', '.', '.', '.', '.', '.', 'retired'],
  retired: ['.', '.', '.', '.', '.', '.', '.'],
};

for (const [state, row] of Object.entries(table) as [HostState, (HostState | '.')[]][]) {
  test(`a ${state} host goes where the table says on every event`, async (t) => {
    t.plan(events.length);
    for (const [index, event] of events.entries()) {
      const expected = row[index] === '.' ? null : row[index];
      t.equal(nextHostState(state, event), expected, event);
    }
  });
}

test('a retired host never comes back by an event, and a quarantined one only leaves by being retired', async (t) => {
  for (const event of events) t.equal(nextHostState('retired', event), null);
  t.same(
    events.filter((event) => nextHostState('quarantined', event) !== null),
    ['retired'],
  );
});
