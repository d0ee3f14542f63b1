import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import t from 'tap';
import { parse } from 'yaml';
import { ConfigError, loadConfig, printConfig } from '../../agent/config.js';
import { shareOut } from '../../agent/inventory/reserve.js';
import { joinInsecurely } from '../../agent/join.js';
import { SettingsDocument } from '../../agent/settings-document.js';
import { findSocket } from '../../agent/status/socket.js';
import { agentProgram } from './agent-process.js';
import { SchedulerDouble } from './scheduler-double.js';

const folder = mkdtempSync(join(tmpdir(), 'secovia-config-'));
t.teardown(() => rmSync(folder, { recursive: true }));
let serial = 0;

function fileWith(text: string): string {
  const path = join(folder, `${++serial}.yaml`);
  writeFileSync(path, text);
  return path;
}

const least = 'scheduler: s:1\nhost: h1\nsite: a\n';
const load = (text: string, environment: NodeJS.ProcessEnv = {}, flags: Record<string, unknown> = {}) =>
  loadConfig({ file: fileWith(text), environment, flags });

t.test('defaults, file, environment, flags: each wins over those before it', async (t) => {
  t.match(load(least), {
    libvirtUri: 'qemu:///system',
    dataDir: '/var/lib/secovia',
    runDir: '/run/secovia',
    accelerator: 'auto',
    trashRetentionHours: 24,
    metricsListen: '',
    insecure: false,
    identityDir: '',
    imageDirectories: [],
    poolDirectories: [],
  });
  const text = `${least}dataDir: /file\nrunDir: /file\nlogLevel: debug\nreserved: { memoryMib: 1 }\n`;
  const environment = {
    SECOVIA_AGENT_RUN_DIR: '/env',
    SECOVIA_AGENT_LOG_LEVEL: 'warn',
    SECOVIA_AGENT_RESERVED_VCPUS: '2',
    SECOVIA_AGENT_CAPACITY_DISK_MIB: '1024',
    SECOVIA_AGENT_IMAGE_DIRECTORIES: '/a:/b',
    SECOVIA_AGENT_POOL_DIRECTORIES: '/srv/pools',
    SECOVIA_AGENT_TRASH_RETENTION_HOURS: '1.5',
    SECOVIA_AGENT_METRICS_LISTEN: '[::1]:7445',
    SECOVIA_AGENT_EXTRAS: '{ gpu:a30: [0000:3b:00.0, 0000:af:00.0], licence: 3 }',
  };
  t.match(load(text, environment, { logLevel: 'error', rack: undefined }), {
    dataDir: '/file',
    runDir: '/env',
    logLevel: 'error',
    reserved: { memoryMib: 1, vcpus: 2 },
    capacity: { diskMib: 1024 },
    imageDirectories: ['/a', '/b'],
    poolDirectories: ['/srv/pools'],
    trashRetentionHours: 1.5,
    metricsListen: '[::1]:7445',
    extras: { 'gpu:a30': ['0000:3b:00.0', '0000:af:00.0'], licence: 3 },
  });
});

t.test('what is wrong is told in a sentence that says where', async (t) => {
  const cases: [string, NodeJS.ProcessEnv, Record<string, unknown>, RegExp][] = [
    ['host: h1\nsite: a\n', {}, {}, /^scheduler is not set: run secovia-agent join/],
    [`${least}hots: h1\n`, {}, {}, /^hots in .*\.yaml is not a setting/],
    [`${least}reserved: { ram: 1 }\n`, {}, {}, /^reserved\.ram in .*\.yaml is not a setting/],
    [`${least}accelerator: fast\n`, {}, {}, /^accelerator in .*\.yaml: must be auto, kvm or tcg/],
    [`${least}dataDir: data\n`, {}, {}, /^dataDir in .*: must be an absolute path/],
    [`${least}metricsListen: '7445'\n`, {}, {}, /^metricsListen in .*: must be ADDRESS:PORT/],
    [`${least}scheduler: nowhere\n`, {}, {}, /not YAML|must be HOST:PORT/],
    [least, { SECOVIA_AGENT_HOTS: 'x' }, {}, /^SECOVIA_AGENT_HOTS in the environment is not a setting/],
    [
      least,
      { SECOVIA_AGENT_CAPACITY_VCPUS: 'many' },
      {},
      /^capacity\.vcpus in SECOVIA_AGENT_CAPACITY_VCPUS: /,
    ],
    [least, {}, { libvirtUri: '' }, /^libvirtUri in --libvirt-uri: /],
    [least, {}, { host: 'Upper_Case' }, /^host in --host: must be lower-case/],
    ['- a list\n', {}, {}, /does not hold settings/],
    ['a: [\n', {}, {}, /is not YAML/],
    [`${least}extras: { GPU: 1 }\n`, {}, {}, /^extras in .*: must be named like gpu:a30/],
    [
      `${least}extras: { "gpu:a30": 0 }\n`,
      {},
      {},
      /^extras\.gpu:a30 in .*: must be a number above 0, or a list/,
    ],
    [`${least}extras: { "gpu:a30": ["3b:00.0"] }\n`, {}, {}, /^extras\.gpu:a30\.0 in .*: must be a number/],
    [
      `${least}extras: { a: ["0000:3b:00.0"], b: ["0000:3b:00.0"] }\n`,
      {},
      {},
      /^extras in .*: names a PCI address twice/,
    ],
    [least, { SECOVIA_AGENT_EXTRAS: '[' }, {}, /^extras in SECOVIA_AGENT_EXTRAS: /],
    [`${least}checkpointKey: "!"\n`, {}, {}, /^checkpointKey in .*: must be base64/],
  ];
  for (const [text, environment, flags, message] of cases) {
    t.throws(() => load(text, environment, flags), { name: 'ConfigError', message });
  }
  const missing = { file: join(folder, 'none.yaml'), environment: {}, flags: {} };
  t.throws(() => loadConfig(missing), ConfigError, 'a file that was named must be there');
});

t.test('what is wrong with the fencing settings is told likewise', async (t) => {
  const cases: [string, RegExp][] = [
    ['{ H2: [{ program: fence_ipmilan }] }', /^fencing in .*\.yaml: names a host as none can be named/],
    ['', /^fencing in .*: must name hosts, each with a list of methods/],
    ['{ h2: [] }', /^fencing\.h2 in .*: must be a list of 1 to 8 methods/],
    ['{ h2: fence_ipmilan }', /^fencing\.h2 in .*: must be a list of 1 to 8 methods/],
    ['{ h2: [{ program: reboot }] }', /^fencing\.h2\.0\.program in .*: must be one of the fence-agents/],
    ['{ h2: [{ program: fence_a/../b }] }', /must be one of the fence-agents/],
    ...['password', 'passwd', 'password_script'].map((secret): [string, RegExp] => [
      `{ h2: [{ program: fence_a, options: { ${secret}: x } }] }`,
      /^fencing\.h2\.0\.options in .*: must not have pass.*: name a passwordFile/,
    ]),
    ['{ h2: [{ program: fence_a, options: { action: on } }] }', /must not have action/],
    ['{ h2: [{ program: fence_a, options: { --ip: x } }] }', /--ip, which is not the name of an option/],
    ['{ h2: [{ program: fence_a, options: { ip: "x\\naction=on" } }] }', /must be a text of one line/],
    ['{ h2: [{ program: fence_a, passwordFile: secret }] }', /passwordFile in .*: must be an absolute path/],
    ['{ h2: [{ program: fence_a, timeoutSeconds: 1 }] }', /timeoutSeconds in .*: must be 5 to 600/],
    ['{ h2: [{ program: fence_a, pasword: x }] }', /pasword in .* is not a setting of the agent/],
  ];
  for (const [fencing, message] of cases) {
    t.throws(() => load(`${least}fencing: ${fencing}\n`), { name: 'ConfigError', message }, fencing);
  }
  t.throws(() => load(`${least}controllerGuidCommand: ipmitool mc guid\n`), /must be a list/);
  t.throws(
    () => load(least, { SECOVIA_AGENT_FENCING: '{ h2: 1 }' }),
    /^fencing\.h2 in SECOVIA_AGENT_FENCING: /,
  );
});

t.test('what is printed can be loaded again', async (t) => {
  const fencing = '{ h2: [{ program: fence_ipmilan, options: { ip: a, lanplus: true, cipher: 3 } }] }';
  const config = load(`${least}capacity: { vcpus: 4 }\nfencing: ${fencing}\n`);
  t.same(config.fencing.h2?.[0]?.options, { ip: 'a', lanplus: '1', cipher: '3' });
  t.same(load(printConfig(config)), config);
});

t.test('the status socket is found without the rest of the settings', async (t) => {
  t.equal(findSocket({ socket: '/s' }, {}), '/s');
  t.equal(findSocket({ runDir: '/r' }, {}), '/r/agent.sock');
  t.equal(findSocket({}, { SECOVIA_AGENT_RUN_DIR: '/e' }), '/e/agent.sock');
  t.equal(findSocket({ config: fileWith('runDir: /f\n') }, {}), '/f/agent.sock');
  t.equal(findSocket({ config: fileWith('hots: of nonsense\n') }, {}), '/run/secovia/agent.sock');
  t.equal(findSocket({}, { SECOVIA_AGENT_CONFIG: fileWith('runDir: /g\n') }), '/g/agent.sock');
  t.throws(() => findSocket({ config: '/nowhere.yaml' }, {}), /cannot be read/);
});

t.test('what the host keeps for itself', async (t) => {
  const measured = { vcpus: 32, memoryMib: 65_536, diskMib: 1_000_000 };
  t.same(shareOut(measured, { capacity: {}, reserved: {} }), {
    total: measured,
    reserved: { vcpus: 1, memoryMib: 3277, diskMib: 50_000 },
  });
  const small = { vcpus: 2, memoryMib: 512, diskMib: 1000 };
  t.same(shareOut(small, { capacity: {}, reserved: {} }).reserved, {
    vcpus: 0,
    memoryMib: 512,
    diskMib: 1000,
  });
  t.same(shareOut(measured, { capacity: { memoryMib: 4096 }, reserved: { diskMib: 7, vcpus: 0 } }), {
    total: { ...measured, memoryMib: 4096 },
    reserved: { vcpus: 0, memoryMib: 0, diskMib: 7 },
  });
});

/** Runs the command without blocking this process, which plays the scheduler. */
function run(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [agentProgram, ...args], {
      env: { PATH: process.env.PATH },
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (text) => {
      stdout += text;
    });
    child.stderr.on('data', (text) => {
      stderr += text;
    });
    child.on('close', (code) => resolve({ code, stdout, stderr }));
  });
}

t.test('join writes what it was told, keeps the rest of the file, and may be repeated', async (t) => {
  const scheduler = new SchedulerDouble();
  await scheduler.listen();
  t.teardown(() => scheduler.close());
  const file = fileWith('# our own remark\nlogLevel: debug # chatty\n');
  const words = ['--scheduler', scheduler.address, '--site', 'zagreb', '--host', 'h1', '--rack', 'r1'];
  const args = ['join', '--insecure', ...words];
  for (const again of [false, true]) {
    const { code, stdout } = await run(...args, '--config', file);
    t.equal(code, 0);
    t.match(stdout, /h1 has joined test at site zagreb/);
    const text = readFileSync(file, 'utf8');
    t.match(text, /# our own remark/);
    t.match(text, /logLevel: debug # chatty/);
    t.match(parse(text), {
      scheduler: scheduler.address,
      host: 'h1',
      site: 'zagreb',
      rack: 'r1',
      insecure: true,
      federation: 'test',
      checkpointKey: scheduler.checkpointKey.toString('base64'),
    });
    t.equal(statSync(file).mode & 0o777, 0o600, again ? 'again' : 'at first');
  }
  t.match(scheduler.joins[0], {
    hostId: 'h1',
    site: 'sites/zagreb',
    rack: 'r1',
    machineId: /^[0-9a-f]{32}$/,
  });
  t.ok(loadConfig({ file, environment: {}, flags: {} }));
});

t.test('a join that is refused says why and what to do, and writes nothing', async (t) => {
  const scheduler = new SchedulerDouble();
  await scheduler.listen();
  t.teardown(() => scheduler.close());
  const options = {
    scheduler: scheduler.address,
    site: 'a',
    host: 'h1',
    rack: '',
  };
  const settings = new SettingsDocument(join(folder, 'new'));
  const cases = [
    { code: grpc.status.NOT_FOUND, message: /^no: create the site first, with: secovia site create a$/ },
    { code: grpc.status.ALREADY_EXISTS, message: /choose another --host than h1/ },
    { code: grpc.status.INTERNAL, message: /refuses \(INTERNAL\): no/ },
  ];
  for (const { code, message } of cases) {
    scheduler.joinError = { code, message: 'no' };
    await t.rejects(joinInsecurely(options, settings), { name: 'JoinError', message });
  }
  t.throws(() => readFileSync(settings.path));
  const nobody = { ...options, scheduler: '127.0.0.1:1' };
  await t.rejects(joinInsecurely(nobody, settings), { message: /no scheduler answers at 127\.0\.0\.1:1/ });
});

t.test('joining needs a token, or the words that say that there is to be none', async (t) => {
  const file = fileWith('');
  const cases: [string[], RegExp][] = [
    [[], /a join token is needed: an operator makes one with secovia token create/],
    [['nonsense'], /this is no join token/],
    [['secovia-join-1.e30'], /the join token is not whole/],
    [['secovia-join-7.e30'], /of another version of Secovia/],
    [['secovia-join-1.e30', '--site', 'a'], /leave out --site/],
    [['secovia-join-1.e30', '--insecure'], /leave out --insecure/],
    [['--insecure', '--site', 'a'], /--insecure needs --scheduler HOST:PORT and --site SITE/],
    [
      ['--insecure', '--site', 'a', '--scheduler', 'scheduler.example:7443'],
      /speaks to a scheduler on its own machine only, and scheduler\.example:7443 is elsewhere/,
    ],
    [['secovia-join-1.e30', '--host', 'NOT GOOD'], /host in --host: must be lower-case/],
  ];
  for (const [args, message] of cases) {
    const { code, stderr } = await run('join', ...args, '--config', file);
    t.equal(code, 1);
    t.match(stderr, message, args.join(' '));
  }
  t.equal(readFileSync(file, 'utf8'), '', 'nothing is written');
  t.throws(() => load(`${least}insecure: true\n`), { message: /join it with a token/ });
  t.ok(load('scheduler: "[::1]:1"\nhost: h1\nsite: a\ninsecure: true\n').insecure);
});

t.test('a slip on the command line gets help', async (t) => {
  const slip = await run('status', '--jsno');
  t.equal(slip.code, 1);
  t.match(slip.stderr, /unknown option '--jsno'[\s\S]*--json[\s\S]*--help/);
  t.match((await run('rnu')).stderr, /Did you mean run/);
  const unset = await run('run', '--config', fileWith('{}'));
  t.equal(unset.code, 1);
  t.equal(
    unset.stderr,
    'secovia-agent: scheduler is not set: run secovia-agent join first, or set it in the configuration\n',
  );
  const printed = await run('run', '--config', fileWith(least), '--rack', 'r9', '--print-config');
  t.match(parse(printed.stdout), { host: 'h1', rack: 'r9' });
});
