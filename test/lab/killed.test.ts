/**
 * Everything that can be killed is killed with -9, one after the other, while VMs are being created. Afterwards
 * everything that was acknowledged exists exactly once, nothing else does, and nobody has lent a hand. Attempts are
 * counted from the agents' logs: QEMU's image lock would hide a second copy, but not that it was tried.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import type { ServiceError } from '@grpc/grpc-js';
import t from 'tap';
import { Laboratory, lab, parent, tiny, until } from './laboratory.js';
import { labDirectory } from './place.js';

const laboratory = await Laboratory.up();
await laboratory.clear();
t.teardown(async () => {
  await laboratory.clear();
  laboratory.close();
});

const { vms } = laboratory;
const logMark = new Date().toISOString();

/** The agents' log lines about a domain since this file began. */
function attempts(event: string): Map<string, { host: string; term: number }[]> {
  const found = new Map<string, { host: string; term: number }[]>();
  for (const host of laboratory.hostNames) {
    const folder = join(labDirectory, 'logs', host);
    for (const file of readdirSync(folder).filter((name) => name.startsWith('agent'))) {
      for (const line of readFileSync(join(folder, file), 'utf8').split('\n')) {
        if (!line.includes(`"event":"${event}"`)) continue;
        const { uid, term, time } = JSON.parse(line) as { uid: string; term: number; time: number | string };
        if (new Date(time) < new Date(logMark)) continue;
        found.set(uid, [...(found.get(uid) ?? []), { host, term }]);
      }
    }
  }
  return found;
}

/** Creates VMs one after the other until told to stop; gives the uids that were acknowledged. */
function creating(prefix: string): { stop(): Promise<string[]>; acknowledged: string[] } {
  const acknowledged: string[] = [];
  let stopped = false;
  const done = (async () => {
    for (let number = 1; !stopped && number <= 6; number += 1) {
      const requestId = randomUUID();
      // While no host is connected the scheduler refuses, and says that it may be tried again.
      const { vm } = await until(`${prefix}-${number} is acknowledged`, () =>
        laboratory
          .call(vms.createVm.bind(vms), {
            parent,
            vmId: `${prefix}-${number}`,
            vm: { spec: tiny },
            requestId,
          })
          .catch((error: ServiceError) => {
            if (error.code === 14 || error.code === 4 || error.code === 1) return null;
            throw error;
          }),
      );
      if (vm) acknowledged.push(vm.uid);
    }
  })();
  return {
    acknowledged,
    stop: async () => {
      stopped = true;
      await done;
      return acknowledged;
    },
  };
}

const victims: [string, string[]][] = [
  ['the scheduler', ['scheduler', 'kill']],
  ...laboratory.hostNames.flatMap((host): [string, string[]][] => [
    [`the agent of ${host}`, ['host', host, 'kill-agent']],
    [`libvirtd of ${host}`, ['host', host, 'kill-libvirtd']],
  ]),
];

for (const [index, [victim, command]] of victims.entries()) {
  t.test(`${victim} is killed while VMs are being created`, async (t) => {
    const load = creating(`kill-${index}`);
    await until('some are acknowledged', async () => load.acknowledged.length >= 2);
    await lab(...command);
    await until('more are acknowledged', async () => load.acknowledged.length >= 4);
    const acknowledged = await load.stop();
    await laboratory.allReady();

    const running = await until('everything acknowledged runs', async () => {
      const all = await laboratory.allVms();
      return all.every(({ state }) => state === 'VM_STATE_RUNNING') && all;
    });
    t.same(
      running.map(({ uid }) => uid).sort(),
      [...acknowledged].sort(),
      'the scheduler has them, and no others',
    );
    const domains = await laboratory.domains();
    t.same(
      domains.map(({ uuid, host }) => `${uuid} hosts/${host}`).sort(),
      running.map(({ uid, host }) => `${uid} ${host}`).sort(),
      'libvirt has each exactly once, where the scheduler says',
    );
    t.ok(
      domains.every(({ state }) => state === 'running'),
      'all run',
    );

    const defined = attempts('domain.define');
    const started = attempts('domain.start');
    for (const { uid, host, term } of running) {
      const hosts = new Set((started.get(uid) ?? []).map((attempt) => attempt.host));
      t.same([...hosts], [host.slice('hosts/'.length)], `only its owner tried to start ${uid}`);
      t.ok(
        (defined.get(uid) ?? []).every((attempt) => attempt.term === term),
        'and defined it under its term',
      );
    }
    await laboratory.clear();
  });
}
