/** The units name programs and folders that there are, and keep the rights that they are to keep. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { configSchema } from '../../scheduler/config.js';
import { loadConfig } from '../../agent/config.js';

const root = fileURLToPath(new URL('../../../', import.meta.url)).replace(/\/$/, '');
const installed = '/usr/lib/secovia';

/** Settings of a unit's section [Service]; of one that is there twice, all. */
function serviceOf(unit: string): Map<string, string[]> {
  const text = readFileSync(join(root, 'deploy', 'systemd', unit), 'utf8');
  const [, section = ''] = /^\[Service\]$([\s\S]*?)^\[/m.exec(text) ?? [];
  const settings = new Map<string, string[]>();
  for (const line of section.split('\n')) {
    const [, key, value] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) settings.set(key, [...(settings.get(key) ?? []), value]);
  }
  return settings;
}

const agent = serviceOf('secovia-agent.service');
const scheduler = serviceOf('secovia-scheduler.service');
const one = (service: Map<string, string[]>, key: string) => service.get(key)?.join(' ') ?? '';

/** What a unit starts, in this working copy. */
function commandOf(service: Map<string, string[]>): string[] {
  return one(service, 'ExecStart').replaceAll(installed, root).split(' ');
}

t.test('both start a program that is there, with words that it knows', async (t) => {
  for (const service of [agent, scheduler]) {
    const [program = '', ...args] = commandOf(service);
    accessSync(program, constants.X_OK);
    const { status, stdout } = spawnSync(
      program,
      [
        ...args
          .filter((word) => !word.startsWith('/etc/'))
          .map((word) => (word === '--config' ? '--help' : word)),
        '--help',
      ],
      {
        encoding: 'utf8',
        env: { PATH: process.env['PATH'] },
      },
    );
    t.equal(status, 0);
    t.match(stdout, /--config <file>/);
  }
});

t.test('they may write where the programs do by default, and nowhere else', async (t) => {
  const settings = loadConfig({
    file: undefined,
    environment: { SECOVIA_AGENT_CONFIG: undefined },
    flags: { scheduler: 's:1', host: 'h', site: 's' },
  });
  t.equal(`/var/lib/${one(agent, 'StateDirectory')}`, settings.dataDir);
  t.equal(`/run/${one(agent, 'RuntimeDirectory')}`, settings.runDir);
  t.equal(one(agent, 'ReadWritePaths'), settings.dataDir);
  const { dataDir } = configSchema.parse({});
  t.equal(`/var/lib/${one(scheduler, 'StateDirectory')}`, dataDir);
  t.equal(one(scheduler, 'ReadWritePaths'), dataDir);
});

t.test('they give up what they do not need', async (t) => {
  const wanted = {
    NoNewPrivileges: 'yes',
    ProtectSystem: 'strict',
    ProtectHome: 'yes',
    PrivateTmp: 'yes',
    RestrictNamespaces: 'yes',
    RestrictSUIDSGID: 'yes',
    ProtectKernelModules: 'yes',
    LockPersonality: 'yes',
    SystemCallArchitectures: 'native',
    AmbientCapabilities: '',
    RestrictAddressFamilies: 'AF_UNIX AF_INET AF_INET6 AF_NETLINK',
  };
  for (const service of [agent, scheduler]) {
    for (const [key, value] of Object.entries(wanted)) t.same(service.get(key), [value], key);
    t.match(one(service, 'SystemCallFilter'), /^@system-service/);
    t.ok(Number(one(service, 'LimitNOFILE')) >= 65_536);
  }
  t.equal(one(agent, 'CapabilityBoundingSet'), 'CAP_DAC_OVERRIDE');
  t.same(scheduler.get('CapabilityBoundingSet'), [''], 'none');
  t.equal(one(scheduler, 'DynamicUser'), 'yes');
});

t.test('the agent may open the devices that it works with, and no others', async (t) => {
  t.equal(one(agent, 'DevicePolicy'), 'closed');
  t.same(agent.get('DeviceAllow'), [
    '/dev/kvm rw',
    'char-ipmidev rw',
    // As operators are told to name it, and by its old name.
    'char-watchdog rw',
    '/dev/watchdog rw',
  ]);
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  t.match(readme, /device: \/dev\/watchdog\d/);
});

t.test('the thread that pets the watchdog may go before others', async (t) => {
  t.notOk(agent.has('RestrictRealtime'));
  const source = readFileSync(join(root, 'native', 'src', 'watchdog.cc'), 'utf8');
  t.match(source, /sched_get_priority_min\(SCHED_RR\)/, 'which is 1');
  t.same(agent.get('LimitRTPRIO'), ['1']);
});

t.test('systemd itself finds nothing wrong with them', async (t) => {
  const found = spawnSync('systemd-analyze', ['--version'], { encoding: 'utf8' });
  if (found.error !== undefined) {
    t.pass('there is no systemd here to ask');
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'secovia-units-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  for (const unit of ['secovia-agent.service', 'secovia-scheduler.service']) {
    const text = readFileSync(join(root, 'deploy', 'systemd', unit), 'utf8').replaceAll(installed, root);
    writeFileSync(join(folder, unit), text);
    const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', join(folder, unit)], {
      encoding: 'utf8',
    });
    t.equal(status, 0, stderr);
    t.notMatch(stderr, unit, 'not a word about it');
  }
  writeFileSync(join(folder, 'wrong.service'), '[Service]\nExecStart=/bin/true\nProtectSytem=strict\n');
  const wrong = spawnSync('systemd-analyze', ['verify', '--man=no', join(folder, 'wrong.service')], {
    encoding: 'utf8',
  });
  t.match(wrong.stderr, /ProtectSytem/, 'and it does look');
});
