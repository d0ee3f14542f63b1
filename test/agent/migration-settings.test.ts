/** Whom a host hands running VMs to, and by which addresses: what settings may say, and what a scheduler may. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { loadConfig } from '../../agent/config.js';
import { readDesired } from '../../agent/converge/desired.js';
import { isAllowedPeer, isPeerUri } from '../../agent/converge/peer-uri.js';
import type { Desired } from '../../proto/gen/secovia/v1/Desired.js';
import type { Desired__Output } from '../../proto/gen/secovia/v1/Desired.js';
import { messageCodec } from '../../proto/index.js';
import { word } from './scheduler-double.js';
import { uidOf } from './world.js';

const folder = mkdtempSync(join(tmpdir(), 'secovia-migration-'));
t.teardown(() => rmSync(folder, { recursive: true }));

function load(migration: string, environment: NodeJS.ProcessEnv = {}) {
  const file = join(folder, 'agent.yaml');
  writeFileSync(file, `scheduler: s:1\nhost: h1\nsite: a\n${migration}`);
  return loadConfig({ file, environment, flags: {} }).migration;
}

t.test('without settings a host neither takes running VMs nor hands any over', async (t) => {
  t.same(load(''), { uri: '', peers: [], tls: true, unsafe: false });
});

t.test('settings from the file and from the environment', async (t) => {
  const written = {
    uri: 'qemu+tls://h1.dc.example/system',
    peers: ['qemu+tls://*.dc.example/system', 'qemu+tcp://10.0.0.7:16509/system'],
    tls: false,
    unsafe: true,
  };
  t.same(load(`migration: ${JSON.stringify(written)}\n`), written);
  t.same(load('', { SECOVIA_AGENT_MIGRATION: JSON.stringify(written) }), written);
});

t.test('what is wrong with them is told in a sentence that says where', async (t) => {
  const cases: [string, RegExp][] = [
    ['{ uri: "qemu+ssh://h1/system" }', /^migration\.uri in .*agent\.yaml: must be like qemu\+tls:/],
    ['{ uri: "qemu+tls://*.dc/system" }', /^migration\.uri in .*: must be like/],
    ['{ uri: 7 }', /^migration\.uri in .*: must be like/],
    ['{ peers: ["qemu+tls://h1/system?command=sh"] }', /^migration\.peers\.0 in .*: must be like/],
    ['{ peers: ["qemu+tls://*/system"] }', /^migration\.peers\.0 in .*: must be like/],
    ['{ peers: ["qemu+tls://a.*.dc/system"] }', /^migration\.peers\.0 in .*: .*may begin with \*\./],
    ['{ peers: qemu+tls://h1/system }', /^migration\.peers in .*: must be a list of addresses/],
    ['{ tls: maybe }', /^migration\.tls in .*: must be true or false/],
    ['{ unsafe: 1 }', /^migration\.unsafe in .*: must be true or false/],
    ['{ hosts: [] }', /^migration\.hosts in .* is not a setting of the agent/],
    ['yes please', /^migration in .*: must be settings such as uri and peers/],
  ];
  for (const [migration, message] of cases) {
    t.throws(() => load(`migration: ${migration}\n`), { name: 'ConfigError', message }, migration);
  }
});

const good = [
  'qemu+tls://h1/system',
  'qemu+tls://h1.dc.example/system',
  'qemu+tcp://10.0.0.1:16509/system',
  'qemu+tcp://[fd00::1]:16509/session',
];
const hostile = [
  '',
  'h2',
  'qemu:///system',
  'qemu+unix:///system?socket=/tmp/x',
  'qemu+ext://h2/system?command=/bin/sh',
  'qemu+ssh://h2/system',
  'qemu+ssh://-oProxyCommand=sh/system',
  'qemu+tls://h2/system?pkipath=/tmp',
  'qemu+tls://h2/system?no_verify=1',
  'qemu+tls://h2/system#x',
  'qemu+tls://root@h2/system',
  'qemu+tls://root:secret@h2/system',
  'qemu+tls://h2/system/',
  'qemu+tls://h2/../system',
  'qemu+tls://h2/embed',
  'qemu+tls://h2/',
  'qemu+tls:///system',
  'qemu+tls://-h2/system',
  'qemu+tls://h2 /system',
  'qemu+tls://h2%00/system',
  'qemu+tls://h2\n/system',
  'qemu+tls://h2/system\n',
  'qemu+tls://h2:999999/system',
  'qemu+tls://*.dc/system',
  'qemu+tls://H2/system',
  'QEMU+TLS://h2/system',
  'test:///default',
  'http://h2/system',
  `qemu+tls://${'a.'.repeat(200)}a/system`,
];

t.test('an address has the plainest form, or is none', async (t) => {
  for (const uri of good) t.ok(isPeerUri(uri), uri);
  for (const uri of hostile) t.notOk(isPeerUri(uri), JSON.stringify(uri));
});

t.test('a star stands for one label, and for nothing else', async (t) => {
  const peers = ['qemu+tls://*.dc.example/system', 'qemu+tcp://h9:16509/system'];
  for (const uri of ['qemu+tls://h1.dc.example/system', 'qemu+tcp://h9:16509/system']) {
    t.ok(isAllowedPeer(uri, peers), uri);
  }
  for (const uri of [
    'qemu+tls://dc.example/system',
    'qemu+tls://a.b.dc.example/system',
    'qemu+tls://evil.example/x.dc.example/system',
    'qemu+tls://h1.dc.example:1/system',
    'qemu+tcp://h1.dc.example/system',
    'qemu+tls://h1.dc.example/session',
    'qemu+tls://h1.dcxexample/system',
    'qemu+tcp://h9/system',
    ...hostile,
  ]) {
    t.notOk(isAllowedPeer(uri, peers), JSON.stringify(uri));
  }
  t.notOk(isAllowedPeer('qemu+tls://h1/system', []), 'nobody is named');
});

const codec = messageCodec<Desired, Desired__Output>('secovia.v1.Desired');
const read = (change: Partial<Desired>) => {
  const epoch = { incarnation: 1, counter: 1, instance: 'x' };
  const message = { ...word(uidOf(1)), epoch, storagePoolPath: '/pools/a', ...change };
  return readDesired(codec.deserialize(codec.serialize(message)), ['/pools']);
};

t.test('a word about a move is read with its size and its address', async (t) => {
  const sent = read({ role: 'VM_ROLE_SEND', image: null, peer: 'hosts/h2', peerUri: good[1] ?? '' });
  t.match(sent, { ok: true, desired: { role: 'send', peerUri: good[1], size: { vcpus: 1 }, image: null } });
  const received = read({ role: 'VM_ROLE_RECEIVE', image: null, peer: 'hosts/h1' });
  t.match(received, { ok: true, desired: { role: 'receive', peerUri: '', diskExists: true } });
  t.match(read({ peerUri: 'anything' }), { ok: true, desired: { peerUri: '' } }, 'nobody asks for it');
});

t.test('a word about a move that makes no sense is refused', async (t) => {
  for (const uri of hostile) {
    const problem = /^peer_uri is not like qemu\+tls:/;
    t.match(read({ role: 'VM_ROLE_SEND', peerUri: uri }), { ok: false, problem }, JSON.stringify(uri));
  }
  const send = { role: 'VM_ROLE_SEND', peerUri: good[0] ?? '' } as const;
  for (const role of [send, { role: 'VM_ROLE_RECEIVE' } as const]) {
    t.match(read({ ...role, spec: null }), { ok: false, problem: 'spec is missing' });
    t.match(read({ ...role, storagePoolPath: '' }), { ok: false, problem: /^storage_pool_path is missing/ });
    t.match(read({ ...role, storagePoolPath: '/etc' }), { ok: false, problem: /poolDirectories/ });
  }
});
