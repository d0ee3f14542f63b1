/**
 * A guest moves between two real hosts while it runs, under two real agents that a test drives. The guest itself is the
 * witness: it counts its boots and its ticks on its console, which both hosts append to.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Desired } from '../../proto/gen/secovia/v1/Desired.js';
import { DrivenHost } from './driven-host.js';
import { Laboratory, lab, until } from './laboratory.js';
import { labDirectory } from './place.js';

const laboratory = await Laboratory.up();
await laboratory.clear();
const h1 = new DrivenHost('zagreb-1');
const h2 = new DrivenHost('zagreb-2');
const uid = randomUUID();
const imagePath = /SECOVIA_LAB_IMAGE=(\S+)/.exec(await lab('env'))?.[1] ?? '';
const uriOf = (host: DrivenHost) => `qemu+tls://${host.name}/system`;
const consoleLog = join(labDirectory, 'hosts', h1.name, 'secovia', 'console', `${uid}.log`);

let generation = 0;
const word = (role: Desired['role'], term: number, change: Partial<Desired> = {}): Desired => ({
  uid,
  role,
  term,
  generation: ++generation,
  spec: { vcpus: 1, memoryMib: 128, diskMib: 1024, image: 'images/tiny', storagePool: '' },
  image: {
    name: 'images/tiny',
    digest: `sha256:${createHash('sha256').update(readFileSync(imagePath)).digest('hex')}`,
    format: 'IMAGE_FORMAT_QCOW2',
    sizeBytes: 0,
    virtualSizeMib: 0,
    source: `file://${imagePath}`,
  },
  storagePoolPath: join(labDirectory, 'shared', 'zagreb'),
  diskExists: generation > 1,
  vmName: 'administrations/tests/vms/walker',
  ...change,
});

const isState = (state: string, told: number) => (seen: { state: string; generation: number }) =>
  seen.state === `DOMAIN_STATE_${state}` && seen.generation >= told;

/** The guest's console, of all its hosts. */
const ticks = () =>
  [...readFileSync(consoleLog, 'utf8').matchAll(/^tick (\d+)/gm)].map((found) => Number(found[1]));
const boots = () => readFileSync(consoleLog, 'utf8').match(/SECOVIA-GUEST-READY/g)?.length ?? 0;

async function ticksOn(): Promise<void> {
  const before = ticks().at(-1) ?? 0;
  await until('the guest goes on', async () => (ticks().at(-1) ?? 0) > before + 1);
}

/** Where the domain is, as the two libvirtds say. */
async function places(): Promise<string[]> {
  const found = await Promise.all(
    [h1, h2].map(async (host) => {
      const listed = await host.virsh('list', '--all', '--uuid');
      if (!listed.includes(uid)) return [];
      return [`${host.name} ${(await host.virsh('domstate', uid)).trim()}`];
    }),
  );
  return found.flat();
}

/** The owner's, and the highest that was used. */
let term = 1;
let newestTerm = 1;

/** Everything up to the moment at which the source is told. */
async function offer(source: DrivenHost, target: DrivenHost): Promise<Desired> {
  const expected = word('VM_ROLE_RECEIVE', ++newestTerm, { peer: `hosts/${source.name}` });
  target.want(expected);
  await target.says('it awaits it', uid, isState('AWAITED', expected.generation ?? 0));
  return word('VM_ROLE_SEND', term, { peer: `hosts/${target.name}`, peerUri: uriOf(target) });
}

async function arrived(target: DrivenHost): Promise<void> {
  const seen = await target.says('it has it', uid, isState('RUNNING', 0));
  t.equal(seen.term, newestTerm);
  term = newestTerm;
  const running = word('VM_ROLE_RUN', term);
  target.want(running);
  await target.says('it runs', uid, isState('RUNNING', running.generation ?? 0));
}

/** The VM stays where it was: the scheduler's words after a move that was not to be. */
async function stays(source: DrivenHost, target: DrivenHost): Promise<void> {
  const running = word('VM_ROLE_RUN', term);
  source.want(running);
  await source.says('it is still here', uid, isState('RUNNING', running.generation ?? 0));
  const released = word('VM_ROLE_RELEASED', newestTerm);
  target.want(released);
  await target.says('nothing is there', uid, isState('ABSENT', released.generation ?? 0));
}

/** The wire is made so slow that a move takes until somebody lets it go. */
const slowly = (host: DrivenHost) => host.virsh('migrate-setspeed', uid, '1');

async function isUnderWay(source: DrivenHost): Promise<void> {
  await until('the move is under way', async () =>
    /Operation:\s+Outgoing migration/.test(await source.virsh('domjobinfo', uid)),
  );
}

await Promise.all([h1.begin(), h2.begin()]);
t.teardown(async () => {
  for (const host of [h1, h2]) await host.virsh('destroy', uid).catch(() => '');
  for (const host of [h1, h2]) await host.virsh('undefine', uid).catch(() => '');
  await Promise.all([h1.end(), h2.end()]);
  await laboratory.allReady();
  laboratory.close();
});

t.test('a guest goes to another host and back while it runs', async (t) => {
  await until('both say how they are reached', async () => h1.inventory && h2.inventory);
  t.equal(h1.inventory?.migrationUri, uriOf(h1));
  h1.want(word('VM_ROLE_RUN', term));
  await h1.says('it runs', uid, isState('RUNNING', 1));
  await until('the guest is up', async () => boots() === 1);
  for (const [source, target] of [
    [h1, h2],
    [h2, h1],
  ] as const) {
    const sent = await offer(source, target);
    t.match(await target.status(), new RegExp(`awaited +receive.*from ${source.name}`));
    source.want(sent);
    const gone = await source.says('it is gone', uid, isState('ABSENT', sent.generation ?? 0));
    t.match(gone, { term, error: null });
    await arrived(target);
    t.same(await places(), [`${target.name} running`]);
    await ticksOn();
  }
  t.equal(boots(), 1, 'it was booted once');
  const counted = ticks();
  t.same(
    counted,
    counted.map((_, index) => index + 1),
    'and has not missed a tick',
  );
});

t.test('a move is called off while it goes on', async (t) => {
  const sent = await offer(h1, h2);
  await slowly(h1);
  h1.want(sent);
  await isUnderWay(h1);
  await until('people see it', async () => /moving to zagreb-2, \d+ %/.test(await h1.status()));
  await stays(h1, h2);
  t.same(await places(), ['zagreb-1 running']);
  await ticksOn();
  t.equal(boots(), 1);
});

t.test('a host whose libvirtd is dead takes nothing: the guest runs on, and it is said why', async (t) => {
  const sent = await offer(h1, h2);
  await lab('host', h2.name, 'kill-libvirtd', '--stay-down');
  h1.want(sent);
  const failed = await h1.says('it failed', uid, (seen) => seen.error !== null);
  t.match(failed, { state: 'DOMAIN_STATE_RUNNING', term, toldGeneration: sent.generation });
  t.match(failed.error?.message, /connect/);
  await lab('host', h2.name, 'start-libvirtd');
  await stays(h1, h2);
  await ticksOn();
  t.equal(boots(), 1);
});

t.test("a host that is not in the settings' list of peers is not connected to", async (t) => {
  const sent = await offer(h1, h2);
  h1.want({ ...sent, peerUri: 'qemu+tls://skopje-1/system' });
  const refused = await h1.says('it may not', uid, (seen) => seen.error !== null);
  t.match(refused, { state: 'DOMAIN_STATE_RUNNING', error: { code: 9, message: /migration\.peers/ } });
  await stays(h1, h2);
});

for (const [how, signal, source, target] of [
  ['killed', 'KILL', h1, h2],
  ['stopped', 'TERM', h2, h1],
] as const) {
  t.test(`an agent that is ${how} in the middle of a move finds out how it ended`, async (t) => {
    const sent = await offer(source, target);
    await slowly(source);
    source.want(sent);
    await isUnderWay(source);
    await source.endAgent(signal);
    source.observed.length = 0;
    await source.startAgent();
    const moving = `moving to ${target.name}`;
    await source.says('it is moving', uid, ({ progress }) => progress.startsWith(moving));
    t.match(source.newest(uid), { state: 'DOMAIN_STATE_RUNNING', error: null });
    await source.virsh('migrate-setspeed', uid, '10000');
    await source.says('it is gone', uid, isState('ABSENT', sent.generation ?? 0));
    await arrived(target);
    t.same(await places(), [`${target.name} running`]);
    await ticksOn();
    t.equal(boots(), 1);
  });
}

t.test('a VM is deleted where it went', async (t) => {
  const deleted = word('VM_ROLE_DELETED', term);
  h1.want(deleted);
  await h1.says('it is gone', uid, isState('ABSENT', deleted.generation ?? 0));
  t.same(await places(), []);
});
