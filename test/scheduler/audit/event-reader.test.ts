/** Those who follow the journal share one thread, in turns. */
import tap, { test } from 'tap';
import { EventReader } from '../../../scheduler/audit/event-reader.js';
import type { EventsQuestion } from '../../../scheduler/core/audit/questions.js';
import { isRefusal } from '../../../scheduler/core/refusal.js';
import { within } from '../within.js';
import { smallRecord } from './record.js';

const record = await smallRecord(tap);
tap.teardown(() => record.close());
const module = new URL('../../../scheduler/event-thread.js', import.meta.url);

const question: EventsQuestion = {
  kind: 'events',
  visibility: { kind: 'everything' },
  of: { kind: 'everything' },
  order: 'oldest',
  from: { sequence: 1, position: 0 },
  to: record.world.engine.head.sequence,
  size: 1000,
  filter: '',
};

test('who has asked many questions waits for those of others in between', async (t) => {
  const reader = new EventReader(record.file, module);
  t.teardown(() => reader.close());
  const order: string[] = [];
  const ask = async (asker: string) => {
    const told = await reader.ask(question, asker);
    if (isRefusal(told)) throw new Error(told.message);
    t.ok(told.events.length > 0);
    order.push(asker);
  };
  const all = [...'aaaab', 'c', 'b'].map(ask);
  await within(20_000, 'all answers', Promise.all(all));
  t.equal(order.join(''), 'aabcaba');
});

test('a thread that ends fails those who wait, and the next question has another one', async (t) => {
  const broken = new EventReader(record.file, new URL('data:text/javascript,process.exit(3)'));
  t.teardown(() => broken.close());
  const asked = ['a', 'a', 'b'].map((asker) => broken.ask(question, asker));
  for (const answer of asked) await t.rejects(within(20_000, 'it ends', answer), /has ended/);
  await t.rejects(within(20_000, 'it ends again', broken.ask(question, 'a')), /has ended/);
});

test('whoever waits when it is closed hears that the scheduler stops', async (t) => {
  const reader = new EventReader(record.file, module);
  const asked = ['a', 'a', 'b'].map((asker) => reader.ask(question, asker));
  reader.close();
  for (const answer of asked) t.match(await within(20_000, 'it ends', answer), { reason: 'STOPPING' });
  t.match(await reader.ask(question, 'a'), { reason: 'STOPPING' });
});
