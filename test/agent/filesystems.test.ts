import t from 'tap';
import { FilesystemReader } from '../../agent/inventory/filesystems.js';
import { until } from './until.js';

const mib = 1024 * 1024;
const root = { mount: '/', type: 'ext4', size: 9 * 1024 * mib, available: 3.5 * 1024 * mib };
const known = [{ mount: '/', type: 'ext4', sizeMib: 9 * 1024, availableMib: 3 * 1024 }];

t.test('a file system that hangs is not waited for, nor asked again before it has answered', async (t) => {
  const answers: ((found: (typeof root)[]) => void)[] = [];
  const reader = new FilesystemReader(() => new Promise((resolve) => answers.push(resolve)), 50);
  const first = reader.read();
  answers[0]?.([root]);
  t.same(await first, known);
  for (let again = 0; again < 3; again++) t.same(await reader.read(), known, 'as they were');
  t.equal(answers.length, 2, 'one question is under way');
  answers[1]?.([root, { ...root, mount: '/srv/pool' }]);
  const both = await until('another answer', async () => {
    const found = await reader.read();
    return found.length === 2 && found;
  });
  t.match(both[1], { mount: '/srv/pool' });
});

t.test('this machine has some', async (t) => {
  const found = await until('an answer', async () => {
    const now = await new FilesystemReader(undefined, 20_000).read();
    return now.length > 0 && now;
  });
  t.ok(found.every(({ mount, sizeMib }) => mount?.startsWith('/') && (sizeMib ?? -1) >= 0));
});
