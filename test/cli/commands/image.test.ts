import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { ago } from '../fixtures.js';
import { qcow2File } from '../images/qcow2-file.js';
import { cli } from '../run-cli.js';
import { ScriptedServer } from '../scripted-server.js';

const server = await ScriptedServer.start();
t.teardown(() => server.down());
const secovia = (...args: string[]) => cli(args, { server: server.address });

const bytes = qcow2File({ virtualSizeBytes: 100 * 1024 * 1024 });
const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
const path = join(t.testdir(), 'tiny image.qcow2');
writeFileSync(path, bytes);
const url = pathToFileURL(path).href;

const tiny = {
  name: 'images/tiny',
  title: '',
  digest,
  format: 'IMAGE_FORMAT_QCOW2' as const,
  sizeBytes: 5_368_709_120,
  virtualSizeMib: 100,
  source: url,
  architecture: 'x86_64',
  createTime: ago(60),
};

t.test('a file that can be read here is described by itself', async (t) => {
  server.on('ImageService', 'CreateImage', ({ imageId, image }) => ({
    image: { ...image, name: `images/${imageId}` },
  }));
  const result = await secovia('image', 'add', 'tiny', '--source', url);
  t.match(result, { code: 0, out: `added image tiny: qcow2, 512 B, disk 100 MiB, ${digest}\n`, err: '' });
  await secovia('image', 'add', 'tiny', '--file', path);
  const mirrored = 'https://images.example.org/tiny.qcow2';
  await secovia('image', 'add', 'tiny', '--file', path, '--source', mirrored, '--architecture', 'aarch64');
  const described = { digest, sizeBytes: 512, format: 'IMAGE_FORMAT_QCOW2', virtualSizeMib: 100 };
  t.match(server.sent('ImageService', 'CreateImage'), [
    { imageId: 'tiny', image: { ...described, source: url, architecture: 'x86_64' } },
    { image: { ...described, source: url } },
    { image: { ...described, source: mirrored, architecture: 'aarch64' } },
  ]);
});

t.test('a remote image needs everything said', async (t) => {
  const source = 'https://images.example.org/big.raw';
  const before = server.received.length;
  t.match(await secovia('image', 'add', 'big', '--source', source, '--size', '2GiB'), {
    code: 2,
    err: /so say --digest, --virtual-size, --format as well; or point --file at a copy\.\n$/,
  });
  t.match(await secovia('image', 'add', 'big', '--source', 'file:///not/on/this/machine'), { code: 2 });
  t.equal(server.received.length, before);
  const said = ['--digest', digest, '--size', '2147483649', '--virtual-size', '3GiB', '--format', 'raw'];
  t.match(await secovia('image', 'add', 'big', '--source', source, ...said), { code: 0 });
  t.match(server.sent('ImageService', 'CreateImage').at(-1), {
    image: { digest, sizeBytes: 2_147_483_649, virtualSizeMib: 3072, format: 'IMAGE_FORMAT_RAW', source },
  });
});

t.test('what is said must agree with the file', async (t) => {
  const cases: [string[], RegExp][] = [
    [['--digest', `sha256:${'0'.repeat(64)}`], /has digest sha256:.*not the one that --digest says/],
    [['--size', '511'], /has 512 bytes, not the 511/],
    [['--virtual-size', '1GiB'], /disk of 100MiB, not the 1024MiB/],
    [['--format', 'raw'], /is a qcow2 image: leave --format out/],
  ];
  for (const [said, sentence] of cases) {
    t.match(await secovia('image', 'add', 'tiny', '--file', path, ...said), { code: 2, err: sentence });
  }
  t.match(await secovia('image', 'add', 'tiny', '--file', path, '--digest', digest, '--size', '512'), {
    code: 0,
  });
});

t.test('an image must come from somewhere', async (t) => {
  t.match(await secovia('image', 'add', 'tiny'), { code: 2, err: /Say --file PATH or --source URL/ });
  t.match(await secovia('image', 'add', 'tiny', '--source', 'file://elsewhere/x'), {
    code: 2,
    err: /absolute path/,
  });
  t.match(await secovia('image', 'add', 'tiny', '--file', '/nowhere'), { code: 2, err: /no file \/nowhere/ });
  t.match(await secovia('image', 'add', 'tiny', '--file', path, '--format', 'vmdk'), {
    code: 2,
    err: /Allowed choices are qcow2, raw/,
  });
});

t.test('list and show; sizes beyond 32 bits are exact', async (t) => {
  server.on('ImageService', 'ListImages', () => ({ images: [tiny] }));
  server.on('ImageService', 'GetImage', () => ({ image: tiny }));
  t.equal(
    (await secovia('image', 'list')).out,
    'NAME  FORMAT   SIZE     DISK  ARCHITECTURE  AGE  TITLE\n' +
      'tiny  qcow2   5 GiB  100 MiB  x86_64        60s\n',
  );
  t.match((await secovia('image', 'show', 'tiny')).out, /^Size +5 GiB \(5368709120 bytes\)$/m);
  t.match(JSON.parse((await secovia('image', 'show', 'tiny', '-o', 'json')).out), {
    image: { sizeBytes: '5368709120', format: 'IMAGE_FORMAT_QCOW2' },
  });
});

t.test('delete', async (t) => {
  server.on('ImageService', 'DeleteImage', () => ({}));
  t.match(await secovia('image', 'delete', 'tiny'), { code: 0, out: 'deleted image tiny\n' });
  t.match(server.sent('ImageService', 'DeleteImage'), [{ name: 'images/tiny', etag: '' }]);
});
