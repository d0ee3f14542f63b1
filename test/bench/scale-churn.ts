/**
 * The process of the callers that a large federation has: `scale-churn.js ORDER`, told by one JSON argument what to do. It makes
 * calls of every kind at a pace, whatever becomes of them, watches, and on SIGTERM says on a line of JSON how they
 * went (a `ChurnResult`). What it makes it deletes again a while later, beside VMs that were there before.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as grpc from '@grpc/grpc-js';
import { v1 } from '../../proto/index.js';
import { Random } from '../scheduler/core/placement/random.js';
import { channelOf, credentialsIn } from './access.js';
import type { Victims } from './scale-plan.js';
import { drawAdministration } from './scale-tenancy.js';

export interface ChurnOrder {
  port: number;
  /** The administrator's folder of credentials. */
  admin: string;
  victims: string;
  image: string;
}

export interface ChurnResult {
  /** Calls that have ended, by method and status. */
  calls: Record<string, Record<string, number>>;
  /** What the watches have brought. */
  watched: number;
  medianMs: number;
  p99Ms: number;
}

/** Calls a second. */
const pace = { create: 150, delete: 150, update: 60, resize: 20, get: 100, list: 8, hosts: 2, alarms: 0.2 };
/** VMs live so long, at the pace at which they are made. */
const livesMs = 4000;
const deadlineMs = 20_000;
/** Of every two deletions, one is of a VM that was there before. */
const oldOneIn = 2;
const watches = ['administrations/adm-1', 'administrations/adm-7', 'administrations/adm-40'];
const everywhere = 'administrations/-';

type Callback = (error: grpc.ServiceError | null, reply?: unknown) => void;

const order = JSON.parse(process.argv[2] ?? '') as ChurnOrder;
const { reached, any } = JSON.parse(readFileSync(order.victims, 'utf8')) as Victims;
const random = new Random(17);
const { credentials, options } = channelOf(credentialsIn(order.admin));
const address = `127.0.0.1:${order.port}`;
const vms = new v1.VmService(address, credentials, options);
const hosts = new v1.HostService(address, credentials, options);
const alarms = new v1.AlarmService(address, credentials, options);
const tookMs: number[] = [];
const result: ChurnResult = { calls: {}, watched: 0, medianMs: 0, p99Ms: 0 };
const made: { uid: string; atMs: number }[] = [];
const gone = new Set<string>();
let [number, deletions] = [0, 0];
let [page, hostPage] = ['', ''];

/** Makes one call of a kind; whoever finds nothing to do makes none. */
const kinds: Record<keyof typeof pace, () => void> = {
  create: () => {
    const parent = `administrations/${drawAdministration(random)}`;
    const spec = { vcpus: 1, memoryMib: 1792, diskMib: 10_240, image: `images/${order.image}` };
    const vm = { labels: { env: 'bench' }, spec };
    const request = { parent, vmId: `churn-${process.pid}-${number++}`, vm, requestId: randomUUID() };
    call('create', (callback) =>
      vms.createVm(request, deadline(), (error, reply) => {
        if (reply?.vm) made.push({ uid: reply.vm.uid, atMs: performance.now() });
        callback(error);
      }),
    );
  },
  delete: () => {
    const uid = deletions++ % oldOneIn === 0 ? oldVm() : newVm();
    if (uid === undefined) return;
    gone.add(uid);
    call('delete', (callback) =>
      vms.deleteVm({ name: `vms/${uid}`, requestId: randomUUID() }, deadline(), callback),
    );
  },
  update: () => {
    const vm = { name: `vms/${random.pick(any)}`, labels: { env: 'production', owner: `o-${number++}` } };
    const request = { vm, updateMask: { paths: ['labels'] }, requestId: randomUUID() };
    call('update', (callback) => vms.updateVm(request, deadline(), callback));
  },
  resize: () => {
    const name = `vms/${random.pick(reached)}`;
    const vcpus = 1 + random.below(4);
    call('resize', (callback) =>
      vms.resizeVm({ name, vcpus, requestId: randomUUID() }, deadline(), callback),
    );
  },
  get: () => call('get', (callback) => vms.getVm({ name: `vms/${random.pick(any)}` }, deadline(), callback)),
  list: () => {
    const request = {
      parent: everywhere,
      pageSize: 200,
      pageToken: page,
      filter: 'labels.env = "production"',
    };
    call('list', (callback) =>
      vms.listVms(request, deadline(), (error, reply) => {
        page = reply?.nextPageToken ?? '';
        callback(error);
      }),
    );
  },
  hosts: () =>
    call('hosts', (callback) =>
      hosts.listHosts({ pageSize: 100, pageToken: hostPage }, deadline(), (error, reply) => {
        hostPage = reply?.nextPageToken ?? '';
        callback(error);
      }),
    ),
  alarms: () => call('alarms', (callback) => alarms.listAlarms({ pageSize: 100 }, deadline(), callback)),
};

for (const parent of watches) {
  vms
    .watchVms({ parent })
    .on('data', () => {
      result.watched += 1;
    })
    .on('error', () => {});
}
const beganMs = performance.now();
const paced = Object.entries(pace).map(([kind, perSecond]) => ({ kind, perSecond, done: 0 }));
setInterval(() => {
  const seconds = (performance.now() - beganMs) / 1000;
  for (const one of paced)
    for (; one.done < seconds * one.perSecond; one.done += 1) kinds[one.kind as keyof typeof pace]();
}, 5);
process.stdout.write('churning\n');
process.once('SIGTERM', () => {
  tookMs.sort((a, b) => a - b);
  result.medianMs = tookMs[tookMs.length >> 1] ?? 0;
  result.p99Ms = tookMs[Math.floor(tookMs.length * 0.99)] ?? 0;
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
});

function deadline(): grpc.CallOptions {
  return { deadline: Date.now() + deadlineMs };
}

function call(kind: string, make: (callback: Callback) => void): void {
  const startedMs = performance.now();
  make((error) => {
    tookMs.push(performance.now() - startedMs);
    const code = grpc.status[error?.code ?? grpc.status.OK] ?? 'UNKNOWN';
    let codes = result.calls[kind];
    if (codes === undefined) {
      codes = {};
      result.calls[kind] = codes;
    }
    codes[code] = (codes[code] ?? 0) + 1;
  });
}

/** One that was there before, on a host that has an agent. */
function oldVm(): string | undefined {
  const uid = reached.length === 0 ? undefined : random.pick(reached);
  return uid === undefined || gone.has(uid) ? newVm() : uid;
}

/** The oldest of those that were made here, if it has lived long enough. */
function newVm(): string | undefined {
  const oldest = made[0];
  if (oldest === undefined || performance.now() - oldest.atMs < livesMs) return undefined;
  made.shift();
  return oldest.uid;
}
