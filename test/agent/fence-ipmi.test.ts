/**
 * A management controller as machines have them, spoken to by the programs that administrators use: `ipmi_sim` speaks
 * IPMI 2.0 over a real socket, `fence_ipmilan` and `ipmitool` are Debian's own (deploy/setup installs them).
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { Controller } from '../../agent/fencing/controller.js';
import { carryOutFence } from '../../agent/fencing/fencer.js';
import type { FenceMethod } from '../../agent/fencing/method.js';
import { until } from './until.js';
import { uidOf } from './world.js';

const folder = mkdtempSync(join(tmpdir(), 'secovia-ipmi-'));
const guid = 'a1b2c3d4e5f60718293a4b5c6d7e8f90';
const powerFile = join(folder, 'power');
const passwordFile = join(folder, 'password');

/** A UDP port that nobody uses now. */
const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1', () => {
      const { port } = socket.address();
      socket.close(() => resolve(port));
    });
  });

async function startSimulator(port: number): Promise<ChildProcess> {
  const power = join(folder, 'power-script');
  writeFileSync(
    power,
    `#!/bin/sh\nshift\ncase "$1 $2" in\n"get power") echo "power:$(cat ${powerFile})" ;;\n"set power") echo "$3" >${powerFile} ;;\nesac\n`,
    { mode: 0o755 },
  );
  mkdirSync(join(folder, 'state'));
  const auths = 'none md2 md5 straight';
  writeFileSync(
    join(folder, 'lan.conf'),
    `name "test"
set_working_mc 0x20
  startlan 1
    addr 127.0.0.1 ${port}
    priv_limit admin
    allowed_auths_callback ${auths}
    allowed_auths_user ${auths}
    allowed_auths_operator ${auths}
    allowed_auths_admin ${auths}
    guid ${guid}
  endlan
  chassis_control "${power} 0x20"
  user 1 true "" "" user 10 ${auths}
  user 2 true "secovia" "sesame" admin 10 ${auths}
`,
  );
  writeFileSync(
    join(folder, 'bmc.emu'),
    'mc_setbmc 0x20\nmc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr\nsel_enable 0x20 1000 0x0a\nmc_enable 0x20\n',
  );
  const args = [
    '-c',
    join(folder, 'lan.conf'),
    '-f',
    join(folder, 'bmc.emu'),
    '-s',
    join(folder, 'state'),
    '-n',
  ];
  return spawn('ipmi_sim', args, { stdio: 'ignore' });
}

const port = await freePort();
writeFileSync(powerFile, '1\n');
writeFileSync(passwordFile, 'sesame\n', { mode: 0o600 });
const simulator = await startSimulator(port);
t.teardown(async () => {
  simulator.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

const method: FenceMethod = {
  program: 'fence_ipmilan',
  // Without a cipher ipmitool first finds out which one there is, for ten seconds.
  options: { ip: '127.0.0.1', ipport: String(port), username: 'secovia', lanplus: '1', cipher: '3' },
  passwordFile,
  timeoutSeconds: 60,
};
const controller = new Controller(method);
let seen = '';

t.test('the GUID is read over the network, and the power', async (t) => {
  seen = await until('the simulator answers', async () => {
    const answer = await controller.readGuid(20_000);
    return answer.ok ? answer.said : null;
  });
  t.match(seen, /^[0-9a-f]{32}$/);
  t.same([...seen].sort(), [...guid].sort(), 'ipmitool orders the bytes in its own way, always the same');
  t.same(await controller.readPower(30_000), { ok: true, said: 'on' });
});

t.test('another machine is left alone', async (t) => {
  const verdict = await carryOutFence(
    { id: uidOf(1), host: 'h2', controllerGuid: `${'1'.repeat(31)}2` },
    [method],
    () => performance.now(),
    () => true,
  );
  t.match(verdict, { outcome: 'unmatched', message: new RegExp(seen) });
  t.equal(readFileSync(powerFile, 'utf8'), '1\n');
});

t.test('a wrong password is a failure that says nothing of the right one', async (t) => {
  const wrong = join(folder, 'wrong');
  writeFileSync(wrong, 'open\n', { mode: 0o600 });
  const answer = await new Controller({ ...method, passwordFile: wrong }).readGuid(20_000);
  t.match(answer, { ok: false, problem: /Unable to establish/ });
});

t.test('its own machine is powered off, and read back as off', async (t) => {
  const verdict = await carryOutFence(
    { id: uidOf(2), host: 'h2', controllerGuid: seen },
    [method],
    () => performance.now(),
    () => true,
  );
  t.match(verdict, { outcome: 'off', method: 'fence_ipmilan' });
  t.equal(readFileSync(powerFile, 'utf8'), '0\n');
});
