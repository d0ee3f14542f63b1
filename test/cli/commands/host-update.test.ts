import { status } from '@grpc/grpc-js';
import t from 'tap';
import { host } from '../fixtures.js';
import { cli } from '../run-cli.js';
import { Refused, ScriptedServer } from '../scripted-server.js';

const server = await ScriptedServer.start();
t.teardown(() => server.down());
const secovia = (...args: string[]) => cli(args, { server: server.address });
const update = (...args: string[]) => secovia('host', 'update', 'sofia-1-a', ...args);

/** What the last update said of the host's traits. */
const lastTraits = () => server.sent('HostService', 'UpdateHost').at(-1)?.host.traits;

t.test('update masks what was said', async (t) => {
  server.on('HostService', 'UpdateHost', ({ host: wanted }) => ({ host: { ...wanted } }));
  t.match(await update('--trait', 'ssd', '--trait', 'gpu/a30', '--dedicated-to', 'city'), {
    code: 0,
    out: 'updated host sofia-1-a\n',
    err: '',
  });
  await update('--vcpu-overcommit', '400%', '--etag', '"3"');
  await update('--no-traits', '--no-dedicated-to', '--no-vcpu-overcommit');
  t.match(server.sent('HostService', 'UpdateHost'), [
    {
      host: {
        name: 'hosts/sofia-1-a',
        traits: ['ssd', 'gpu/a30'],
        dedicatedTo: 'administrations/city',
        vcpuOvercommitPercent: 0,
        etag: '',
      },
      updateMask: { paths: ['traits', 'dedicated_to'] },
      requestId: /^[0-9a-f-]{36}$/,
    },
    {
      host: { vcpuOvercommitPercent: 400, etag: '"3"' },
      updateMask: { paths: ['vcpu_overcommit_percent'] },
    },
    {
      host: { traits: [], dedicatedTo: '', vcpuOvercommitPercent: 0 },
      updateMask: { paths: ['traits', 'dedicated_to', 'vcpu_overcommit_percent'] },
    },
  ]);
  t.same(server.sent('HostService', 'GetHost'), [], 'nothing had to be read');
  t.match(await update('--vcpu-overcommit', '250', '-o', 'name'), { out: 'hosts/sofia-1-a\n' });
  t.match(JSON.parse((await update('--vcpu-overcommit', '250', '-o', 'json')).out), {
    host: { name: 'hosts/sofia-1-a', vcpuOvercommitPercent: 250 },
  });
});

t.test(
  'adding and taking away keep the other traits, even against somebody who writes as well',
  async (t) => {
    let reads = 0;
    server.on('HostService', 'GetHost', () => {
      reads++;
      return { host: host({ traits: ['old', `seen-${reads}`, 'ssd'], etag: `"${reads}"` }) };
    });
    server.on('HostService', 'UpdateHost', ({ host: wanted }) => {
      if (wanted.etag === '"1"') throw new Refused(status.ABORTED, 'it has changed');
      return { host: host() };
    });
    t.match(await update('--add-trait', 'quiet', '--add-trait', 'ssd', '--remove-trait', 'old'), { code: 0 });
    t.same(lastTraits(), ['seen-2', 'ssd', 'quiet']);
    t.match(server.sent('HostService', 'UpdateHost').at(-1), {
      host: { etag: '"2"' },
      updateMask: { paths: ['traits'] },
    });
    reads = 0;
    t.match(await update('--remove-trait', 'old', '--etag', '"1"'), {
      code: 4,
      err: /it has changed \(ABORTED\)/,
    });
    t.equal(reads, 1, 'with an etag of the user there is one try');
  },
);

t.test('wrong words are refused here, with what to type', async (t) => {
  const before = server.received.length;
  const cases: [string[], RegExp][] = [
    [[], /nothing to change: say for example --trait or --dedicated-to; see secovia host update --help/],
    [['--etag', '"3"'], /nothing to change/],
    [['--trait', 'SSD'], /one trait of up to 63 lower-case letters, digits and \. _ \/ -/],
    [['--trait', 'cpu:avx2'], /what the machine itself reports/],
    [['--vcpu-overcommit', '4'], /Write 10 to 3200 percent, for example 400%/],
    [['--vcpu-overcommit', '4.0'], /Write 10 to 3200 percent/],
    [['--dedicated-to', 'a b'], /cannot name an administration/],
    [['--trait', 'a', '--add-trait', 'b'], /cannot be used with/],
    [['--no-traits', '--trait', 'a'], /cannot be used with/],
    [['--no-traits', '--remove-trait', 'a'], /cannot be used with/],
  ];
  for (const [words, sentence] of cases) {
    t.match(await update(...words), { code: 2, out: '', err: sentence }, words.join(' '));
  }
  t.equal(server.received.length, before, 'nothing was sent');
});

t.test('what an operator said of a host is shown', async (t) => {
  server.on('HostService', 'GetHost', () => ({
    host: host({
      traits: ['gpu/a30', 'ssd'],
      dedicatedTo: 'administrations/city',
      vcpuOvercommitPercent: 400,
    }),
  }));
  const { out } = await secovia('host', 'show', 'sofia-1-a');
  t.match(out, /^Traits +gpu\/a30\n +ssd$/m);
  t.match(out, /^Dedicated to +city and those below it$/m);
  t.match(out, /^vCPU overcommit +400%$/m);
  t.match(JSON.parse((await secovia('host', 'show', 'sofia-1-a', '-o', 'json')).out), {
    host: {
      traits: ['gpu/a30', 'ssd'],
      dedicatedTo: 'administrations/city',
      vcpuOvercommitPercent: 400,
    },
  });
});

t.test('a refusal of the scheduler is passed on', async (t) => {
  server.on('HostService', 'UpdateHost', () => {
    throw new Refused(status.NOT_FOUND, 'there is no administration "nowhere"', {
      errorInfo: { reason: 'ADMINISTRATION_NOT_FOUND', metadata: {} },
      resource: { type: 'administration', name: 'nowhere' },
    });
  });
  t.match(await update('--dedicated-to', 'nowhere'), {
    code: 3,
    err: /there is no administration "nowhere".*secovia administration list/,
  });
});
