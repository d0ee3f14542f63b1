import { test } from 'tap';
import { ContentStarts, noContent } from '../../../../scheduler/core/placement/content-starts.js';
import { Random } from './random.js';

const minuteMs = 60_000;

test('what a host holds began at the mean of its VMs, each counted by its memory', async (t) => {
  const starts = new ContentStarts(2);
  t.equal(starts.minutes[0], noContent, 'it holds nothing');
  starts.claim(0, 1024, 100 * minuteMs, 1);
  starts.claim(0, 3072, 200 * minuteMs, 1);
  t.equal(starts.minutes[0], 175);
  starts.claim(0, 1024, 100 * minuteMs, -1);
  t.equal(starts.minutes[0], 200);
  starts.claim(0, 3072, 200 * minuteMs, -1);
  t.same([...starts.minutes], [noContent, noContent]);
});

test('a VM that holds no memory does not count', async (t) => {
  const starts = new ContentStarts(1);
  starts.claim(0, 0, 5 * minuteMs, 1);
  t.equal(starts.minutes[0], noContent);
  starts.claim(0, 64, 9 * minuteMs, 1);
  t.equal(starts.minutes[0], 9);
});

test('a host with all the memory there can be, for all the time there is, is added up exactly', async (t) => {
  const random = new Random(3);
  const starts = new ContentStarts(1);
  const last = noContent - 1;
  const vms: { memoryMib: number; minute: number }[] = [];
  let left = 2 ** 32 - 1;
  while (left > 64) {
    const memoryMib = Math.min(left, 1 + random.below(2 ** 27));
    vms.push({ memoryMib, minute: last - random.below(3) });
    left -= memoryMib;
  }
  let [pieces, sum] = [0n, 0n];
  for (const { memoryMib, minute } of vms) {
    starts.claim(0, memoryMib, minute * minuteMs, 1);
    pieces += BigInt(Math.ceil(memoryMib / 64));
    sum += BigInt(Math.ceil(memoryMib / 64)) * BigInt(minute);
  }
  t.ok(sum < 2n ** 53n, `${sum}`);
  t.equal(starts.minutes[0], Number(sum / pieces));
  for (const { memoryMib, minute } of vms.slice(1).reverse())
    starts.claim(0, memoryMib, minute * minuteMs, -1);
  t.equal(starts.minutes[0], vms[0]?.minute, 'what was added is taken away exactly');
});

test('hosts that come later change nothing for those that are there', async (t) => {
  const starts = new ContentStarts(1);
  starts.claim(0, 1024, 7 * minuteMs, 1);
  starts.grow(3);
  t.same([...starts.minutes], [7, noContent, noContent]);
  starts.claim(0, 1024, 9 * minuteMs, 1);
  t.equal(starts.minutes[0], 8);
});
