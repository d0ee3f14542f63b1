/**
 * The process that founds a federation of 100,000 hosts and a million VMs beside a scheduler that does not run, through its
 * engine and its store: `scale-federation.js FOLDER`. Every host has joined and said hello, and every VM was placed by a
 * decision and seen running by its host. A few hosts get real certificates, for the agents that come later; those of the
 * others only look like some, since to sign them would take longer than all else. It ends with a line of JSON, a
 * `LargeFederation`.
 */
import { hash, randomBytes, randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageCodec } from '../../proto/index.js';
import type { HostInventory, HostInventory__Output } from '../../proto/gen/secovia/v1/HostInventory.js';
import type { CommandOf, CommandType, NewVm } from '../../scheduler/core/commands.js';
import type { Resources } from '../../scheduler/core/model.js';
import type { Engine } from '../../scheduler/engine.js';
import { capacityIn, inventoryIn } from '../../scheduler/fleet/observations.js';
import { Random } from '../scheduler/core/placement/random.js';
import type { AgentIdentity, Identities } from './agents-federation.js';
import { sites } from './placement-places.js';
import { tracedSizes } from './placement-sizes.js';
import { type Certified, certificateMs, found } from './founding.js';
import { image, type LargeFederation, type Victims } from './scale-plan.js';
import { drawAdministration, drawDataClass, drawPlacement, foundTenancy } from './scale-tenancy.js';
import { inventoryOf } from './simulated-agent.js';

const federation = 'scale';
const [hostCount, vmCount, agentCount] = [100_000, 1_000_000, 300];
const total: Resources = { vcpus: 32, memoryMib: 66_560, diskMib: 1_500_000, vms: 200 };
/** Of a site, eight times as many at most: a token that many have used is long, and is written with each of them. */
const joinsPerToken = 5;
const mostInBatch = 50;
const sampled = 20_000;
/** Decisions after which the store is waited for. */
const decisionsAtOnce = 2_000;

const random = new Random(11);
const folder = process.argv[2] ?? '';
const { dataDir, admin, authority, engine, store, identify, ...founded } = await found(folder, federation);

let decisions = 0;
const decide = <T extends CommandType>(command: CommandOf<T>) => {
  decisions += 1;
  return founded.decide(command);
};
/** What was decided is written meanwhile; more than that is not to wait for it. */
async function breathe(): Promise<void> {
  if (decisions < decisionsAtOnce) return;
  decisions = 0;
  await engine.readable();
}

say('limits, agreements and rules');
foundTenancy(decide, random);
decide({
  ...{ type: 'image.create', id: image, uid: randomUUID(), format: 'qcow2', title: 'Debian 12' },
  ...{ digest: `sha256:${'0'.repeat(64)}`, source: 'https://images.example/debian-12.qcow2' },
  ...{ architecture: 'x86_64', sizeBytes: 400_000_000, virtualSizeMib: 2048 },
});
say('hosts');
const agents = await addHosts(engine);
say('VMs');
await addVms();
await engine.readable();
writeVictims();
await store.close();
const made: LargeFederation = {
  ...{ hosts: engine.state.hosts.size, vms: engine.state.vms.size, dataDir, admin },
  ...{ identities: join(folder, 'identities.json'), agents: agents.length },
  victims: join(folder, 'victims.json'),
};
const identities: Identities = {
  authority: authority.rootPem,
  servername: `scheduler.${federation}`,
  agents,
};
writeFileSync(made.identities, JSON.stringify(identities), { mode: 0o600 });
process.stdout.write(`${JSON.stringify(made)}\n`);

async function addHosts({ state }: Engine): Promise<AgentIdentity[]> {
  const codec = messageCodec<HostInventory, HostInventory__Output>('secovia.v1.HostInventory');
  const siteOf = sites.flatMap(({ id, share }) => Array.from({ length: share }, () => id));
  const tokenEndMs = Date.now() + 24 * 3600_000;
  const secretHash = hash('sha256', 'token', 'hex');
  const agents: AgentIdentity[] = [];
  for (let number = 0; number < hostCount; number += 1) {
    const host = `host-${String(number).padStart(6, '0')}`;
    const site = siteOf[number % siteOf.length] as string;
    const machineId = randomBytes(16).toString('hex');
    const agent = number % (hostCount / agentCount) < 1 ? await identify(host) : null;
    if (agent !== null)
      agents.push({ host, machineId, chain: agent.certified.chainPem, key: agent.keyPem, total });
    const block = Math.floor(number / (siteOf.length * joinsPerToken));
    const token = `t-${site}-${block}`;
    if (!state.access.tokens.has(token)) {
      const before = `t-${site}-${block - 1}`;
      if (state.access.tokens.has(before)) decide({ type: 'token.delete', id: before });
      const uses = siteOf.length * joinsPerToken;
      const about = { site, secretHash, endMs: tokenEndMs, uses, creator: 'bench' };
      decide({ type: 'token.create', id: token, ...about });
    }
    const enrolment = { token, secretHash, ...(agent?.certified ?? likeOne()) };
    const rack = `rack-${Math.floor(number / siteOf.length) % 50}`;
    decide({ type: 'host.join', id: host, site, rack, machineId, enrolment });
    const said = codec.deserialize(codec.serialize(inventoryOf(host, total)));
    const { serial, endMs, keyHash } = state.hosts.get(host)?.certificates?.[0] ?? enrolment.certificate;
    decide({
      ...{ type: 'host.hello', id: host, machineId, bootId: randomUUID(), capacity: capacityIn(said) },
      inventory: inventoryIn(said) ?? {},
      report: { libvirtAvailable: true, libvirtError: '', foreignDomains: 0, orphans: [] },
      shown: { serial, endMs, ...(keyHash === undefined ? {} : { keyHash }) },
      journalBehind: null,
    });
    await breathe();
  }
  return agents;
}

/** As it is recorded; the chain is forgotten as soon as its host says hello. */
function likeOne(): Certified {
  const [serial, keyHash] = [randomBytes(16).toString('hex'), randomBytes(32).toString('hex')];
  const issuedMs = Date.now();
  return { keyHash, chainPem: '', certificate: { serial, issuedMs, endMs: issuedMs + certificateMs } };
}

async function addVms(): Promise<void> {
  for (let made = 0; made < vmCount; ) {
    const administration = drawAdministration(random);
    const count = Math.min(1 + random.below(mostInBatch), vmCount - made);
    const like = newVms(administration, count, made);
    const { vms } = decide({ type: 'vm.create', administration, vms: like, operation: randomUUID() });
    for (const { uid, host, term, generation } of vms) {
      if (host === null) throw new Error(`VM ${uid} has no host`);
      const observation = { uid, term, generation, state: 'running', rebootCount: 0, fault: null } as const;
      decide({ type: 'host.observe', id: host, observation });
    }
    await breathe();
    const before = made;
    made += count;
    if (Math.floor(before / 100_000) < Math.floor(made / 100_000)) say(`${made} VMs`);
  }
}

/** VMs that are made together are alike. */
function newVms(administration: string, count: number, first: number): NewVm[] {
  const { vcpus, memoryMib, diskMib } = tracedSizes.all[tracedSizes.draw(random)] as Resources;
  const placement = drawPlacement(administration, random);
  const dataClass = drawDataClass(random);
  return Array.from({ length: count }, (_, index) => ({
    ...{
      uid: randomUUID(),
      id: `web-${first + index}`,
      title: '',
      vcpus,
      memoryMib,
      diskMib,
      image,
      pool: '',
    },
    ...{ labels: { env: 'production', service: `service-${first % 100}` }, placement, dataClass },
    ...{ policy: { onGuestShutdown: 'stay_stopped', rebuildable: false }, power: 'running' },
    deletionProtection: false,
  }));
}

function writeVictims(): void {
  const { state } = engine;
  const all = [...state.vms.values()];
  const victims: Victims = {
    reached: agents.flatMap(({ host }) => [...state.vmsOfHost(host)].map(({ uid }) => uid)),
    any: Array.from({ length: sampled }, () => random.pick(all).uid),
  };
  writeFileSync(join(folder, 'victims.json'), JSON.stringify(victims));
}

function say(what: string): void {
  process.stderr.write(`${(performance.now() / 1000).toFixed(0)} s: ${what}\n`);
}
