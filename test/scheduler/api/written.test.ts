import { PassThrough } from 'node:stream';
import { test } from 'tap';
import { write } from '../../../scheduler/api/written.js';
import { within } from '../within.js';

const full = () => new PassThrough({ objectMode: true, highWaterMark: 1 });

test('who writes waits until it is read', async (t) => {
  const call = full();
  let isDone = false;
  const written = write(call, { at: 1 }, new AbortController().signal, 60_000).then((isRead) => {
    isDone = true;
    return isRead;
  });
  await new Promise(setImmediate);
  t.notOk(isDone);
  call.resume();
  t.equal(await within(10_000, 'it is read', written), true);
});

test('what nobody reads is given up after a time', async (t) => {
  const written = write(full(), { at: 1 }, new AbortController().signal, 1);
  t.equal(await within(10_000, 'the end', written), false);
});

test('when the reader has gone nobody waits', async (t) => {
  const [call, gone] = [full(), new AbortController()];
  const written = write(call, { at: 1 }, gone.signal, 60_000);
  gone.abort();
  t.equal(await within(10_000, 'the end', written), true);
  t.equal(call.listenerCount('drain'), 0);
});
