import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import {
  advertised,
  ConfigError,
  configSchema,
  environmentName,
  loadConfig,
} from '../../scheduler/config.js';
import { temporaryFolder } from './scope.js';

const defaults = configSchema.parse({});

function fileOf(t: Test, text: string): string {
  const file = join(temporaryFolder(t), 'scheduler.yaml');
  writeFileSync(file, text);
  return file;
}

/** The sentences with which a configuration is refused. */
function refusal(...args: Parameters<typeof loadConfig>): string {
  try {
    loadConfig(...args);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('it was accepted');
}

test('without anything the defaults hold', async (t) => {
  t.same(loadConfig(undefined, {}, {}), defaults);
  t.match(defaults, { listen: '127.0.0.1:7443', insecure: false, leaseMs: 10_000, logLevel: 'info' });
  t.equal(defaults.federation, undefined);
});

test('a flag wins over the environment, and the environment over the file', async (t) => {
  const file = fileOf(t, 'federation: from-file\nlogLevel: warn\nleaseMs: 2000\n');
  const environment = {
    SECOVIA_SCHEDULER_FEDERATION: 'from-environment',
    SECOVIA_SCHEDULER_LEASE_MS: '3000',
  };
  t.same(loadConfig(file, {}, {}), { ...defaults, federation: 'from-file', logLevel: 'warn', leaseMs: 2000 });
  t.same(loadConfig(file, environment, { leaseMs: '4000' }), {
    ...defaults,
    logLevel: 'warn',
    federation: 'from-environment',
    leaseMs: 4000,
  });
});

test('every setting can be given in all three places', async (t) => {
  const values = {
    listen: '127.0.0.1:1234',
    advertise: 'scheduler.example:7443, [2001:db8::1]:7443',
    insecure: 'true',
    metricsListen: '127.0.0.1:7444',
    dataDir: '/data',
    federation: 'other',
    leaseMs: '5000',
    operationLimitMs: '90000',
    callsPerSecond: '100',
    hostCertificateMs: '60000',
    oidcIssuer: 'https://login.example',
    oidcAudience: 'portal',
    oidcKeys: '/etc/secovia/keys.json',
    oidcClaim: 'administrations',
    oidcClockSkewS: '5',
    strategy: 'spread',
    logLevel: 'debug',
  };
  const wanted = {
    ...values,
    advertise: ['scheduler.example:7443', '[2001:db8::1]:7443'],
    insecure: true,
    leaseMs: 5000,
    operationLimitMs: 90_000,
    callsPerSecond: 100,
    hostCertificateMs: 60_000,
    oidcClockSkewS: 5,
  };
  t.same(Object.keys(values), Object.keys(configSchema.shape), 'this test knows all settings');
  const yaml = Object.entries(values).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`);
  t.same(loadConfig(fileOf(t, yaml.join('')), {}, {}), wanted);
  const environment = Object.fromEntries(
    Object.entries(values).map(([key, value]) => [environmentName(key), value]),
  );
  t.same(loadConfig(undefined, environment, {}), wanted);
  t.same(loadConfig(undefined, {}, values), wanted);
});

test('an empty variable is as good as none, and strangers are left alone', async (t) => {
  const environment = { SECOVIA_SCHEDULER_LISTEN: '', SECOVIA_SCHEDULER_NONE: 'x', LISTEN: 'x' };
  t.same(loadConfig(fileOf(t, ''), environment, {}), defaults);
});

test('each bad value is one sentence that names where it came from', async (t) => {
  const cases: [string, string, string][] = [
    ['listen', 'nonsense', 'must be ADDRESS:PORT'],
    ['listen', '127.0.0.1', 'must be ADDRESS:PORT'],
    ['listen', '127.0.0.1:65536', 'must be ADDRESS:PORT'],
    ['listen', ':7443', 'must be ADDRESS:PORT'],
    ['metricsListen', '7444', 'must be ADDRESS:PORT'],
    ['federation', 'Upper', 'lower-case'],
    ['federation', `${'x'.repeat(64)}`, 'lower-case'],
    ['advertise', 'nowhere', 'must be ADDRESS:PORT'],
    ['advertise', Array(9).fill('a:1').join(','), 'at most 8'],
    ['insecure', 'perhaps', ''],
    ['hostCertificateMs', '9999', 'at least 10000'],
    ['operationLimitMs', '59999', 'at least 60000'],
    ['leaseMs', '999', 'at least 1000'],
    ['leaseMs', '600001', 'at most 600000'],
    ['leaseMs', '-5', ''],
    ['leaseMs', '1.5', ''],
    ['leaseMs', '1e4x', ''],
    ['logLevel', 'loud', ''],
  ];
  for (const [key, value, why] of cases) {
    const flag = `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    const file = fileOf(t, `${key}: ${JSON.stringify(value)}\n`);
    for (const [message, origin] of [
      [refusal(undefined, {}, { [key]: value }), flag],
      [refusal(undefined, { [environmentName(key)]: value }, {}), environmentName(key)],
      [refusal(file, {}, {}), `${file}: ${key}`],
    ] as const) {
      t.ok(message.startsWith(`${origin}: `), message);
      t.ok(message.includes(why), message);
      t.notMatch(message, /\n/);
    }
  }
});

test('hosts are told an address that they can go to', async (t) => {
  const of = (listen: string, advertise: string[] = []) => advertised({ ...defaults, listen, advertise });
  t.same(of('0.0.0.0:7443', ['a:1', 'b:2']), ['a:1', 'b:2']);
  t.same(of('10.0.0.1:7443'), ['10.0.0.1:7443']);
  for (const listen of ['0.0.0.0:7443', '[::]:7443']) t.same(of(listen), [`${hostname()}:7443`]);
});

test('without TLS it listens on a loopback address alone', async (t) => {
  for (const listen of ['127.0.0.1:1', '[::1]:1', 'localhost:1'])
    t.ok(loadConfig(undefined, {}, { listen, insecure: true }).insecure);
  for (const listen of ['0.0.0.0:1', '[::]:1', '10.0.0.1:1', 'scheduler.example:1'])
    t.match(
      refusal(undefined, {}, { listen, insecure: true }),
      /^--insecure: works on a loopback address only/,
    );
});

test('a value that is replaced does not matter', async (t) => {
  const file = fileOf(t, 'leaseMs: -1\n');
  t.equal(loadConfig(file, {}, { leaseMs: '2000' }).leaseMs, 2000);
});

test('several bad values are several sentences', async (t) => {
  const message = refusal(fileOf(t, 'leaseMs: 1\nlisten: x\n'), {}, { logLevel: 'x' });
  t.same(message.split('\n').length, 3);
});

test('a setting that is not known is named, with those that are', async (t) => {
  const message = refusal(fileOf(t, 'dataDirectory: /x\nlisten: 127.0.0.1:1\n'), {}, {});
  t.match(message, /scheduler.yaml: dataDirectory is not known; known are listen, advertise, /);
});

test('a file that cannot be used is refused in a sentence', async (t) => {
  t.match(refusal('/nowhere/scheduler.yaml', {}, {}), /^cannot read \/nowhere\/scheduler.yaml: /);
  t.match(refusal(temporaryFolder(t), {}, {}), /^cannot read /);
  t.match(refusal(fileOf(t, 'listen: [unclosed\n'), {}, {}), /is not YAML/);
  t.match(refusal(fileOf(t, '- a\n- b\n'), {}, {}), /must hold keys and values/);
  t.match(refusal(fileOf(t, 'just text\n'), {}, {}), /must hold keys and values/);
  t.match(refusal(fileOf(t, 'listen: 1\nlisten: 2\n'), {}, {}), /is not YAML/);
  t.match(refusal(fileOf(t, '__proto__: {leaseMs: 5}\n'), {}, {}), /__proto__ is not known/);
});

test('numbers may be written as numbers or as text, everywhere', async (t) => {
  t.equal(loadConfig(fileOf(t, 'leaseMs: "2000"\n'), {}, {}).leaseMs, 2000);
  t.equal(loadConfig(fileOf(t, 'leaseMs: 2000\n'), {}, {}).leaseMs, 2000);
});
