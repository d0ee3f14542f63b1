/** How slowly an image may come, and who is blamed for it. */
import { PassThrough } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import t from 'tap';
import { type Pace, steady } from '../../agent/images/steady.js';
import { until } from './until.js';

const pace: Pace = { silenceMs: 60_000, windowMs: 1_000, windowBytes: 100 };
const tooSlow = (how: string) => new Error(how);

/** A source whose bytes come when a test says so, and somebody who reads them. */
function setUp(limits: Pace = pace) {
  const source = new PassThrough();
  const clock = { ms: 0 };
  const stream = steady(source, limits, tooSlow, () => clock.ms);
  let taken = 0;
  const send = async (bytes: number, afterMs: number) => {
    clock.ms += afterMs;
    const whole = taken + bytes;
    source.write(Buffer.alloc(bytes));
    await until('it has come', () => taken === whole || stream.destroyed);
  };
  const take = () => {
    stream.on('data', (chunk: Buffer) => {
      taken += chunk.length;
    });
    return new Promise<Error | null>((resolve) => {
      stream.once('end', () => resolve(null));
      stream.once('error', resolve);
    });
  };
  return { source, stream, clock, send, take };
}

t.test('what comes fast enough comes whole', async (t) => {
  const { source, send, take } = setUp();
  const ended = take();
  for (let time = 0; time < 50; time++) await send(11, 100);
  source.end();
  t.equal(await ended, null);
});

t.test('a source that drips is given up, and let go', async (t) => {
  const { source, send, take } = setUp();
  const ended = take();
  await send(9, 0);
  for (let time = 0; time < 10; time++) await send(9, 100);
  t.match(await ended, { message: 'has sent 99 bytes in 1 s' });
  t.ok(source.destroyed);
});

t.test('time in which nobody took anything is not the source’s', async (t) => {
  const { source, stream, clock } = setUp({ ...pace, windowBytes: Number.POSITIVE_INFINITY });
  const chunk = Buffer.alloc(stream.readableHighWaterMark);
  for (let time = 0; time < 20; time++) source.write(chunk);
  source.end();
  let taken = 0;
  for await (const piece of stream) {
    taken += (piece as Buffer).length;
    // What is there already is handed on before the clock goes.
    await setImmediate();
    clock.ms += 60_000;
  }
  t.equal(taken, 20 * chunk.length);
});

t.test('a source that is silent is given up', async (t) => {
  const { source, take } = setUp({ ...pace, silenceMs: 20 });
  t.match(await take(), { message: 'has sent nothing for 0.02 s' });
  t.ok(source.destroyed);
});

t.test('what goes wrong at the source is said, and one that nobody wants any more is let go', async (t) => {
  const { source, take } = setUp();
  const ended = take();
  source.destroy(new Error('reset by peer'));
  t.match(await ended, { message: 'reset by peer' });
  const second = setUp();
  second.stream.destroy();
  t.ok(second.source.destroyed);
});
