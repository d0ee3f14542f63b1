/**
 * The interface in this process, with an authority that counts what it signs, and callers who say in a header who they
 * are: what is proved by TLS elsewhere is taken for granted here.
 */
import { createHash } from 'node:crypto';
import * as grpc from '@grpc/grpc-js';
import { pino } from 'pino';
import { agentService } from '../../../scheduler/api/agent-service.js';
import { authorizer } from '../../../scheduler/api/authorization.js';
import type { Authority, Signed } from '../../../scheduler/api/authority.js';
import type { Call, Identified } from '../../../scheduler/api/callers.js';
import { Requests } from '../../../scheduler/api/requests.js';
import { apiServer } from '../../../scheduler/api/server.js';
import { Entrance } from '../../../scheduler/api/entrance.js';
import { watchRingOf } from '../../../scheduler/api/vm-watch.js';
import { insecureCaller, type Subject } from '../../../scheduler/core/access/caller.js';
import { hostUri } from '../../../scheduler/core/access/uris.js';
import { type Refusal, refuse } from '../../../scheduler/core/refusal.js';
import { checkpointKeyIn, Checkpoints } from '../../../scheduler/fleet/checkpoints.js';
import { Fleet } from '../../../scheduler/fleet/fleet.js';
import { StateWalks } from '../../../scheduler/state-walks.js';
import { EngineWorld } from '../engine-world.js';
import { type Scope, temporaryFolder } from '../scope.js';
import { MemoryStore } from '../store/memory-store.js';
import { Api } from './client.js';
import { tinyImage } from './federation.js';

export const certificateMs = 7 * 24 * 3600_000;

class CountingAuthority implements Authority {
  readonly rootPem = 'the root';
  readonly fingerprint = 'f'.repeat(64);
  signed = 0;

  async issue(signingRequest: Buffer, uri: string, nowMs: number, lifeMs: number): Promise<Signed | Refusal> {
    if (signingRequest.toString() === 'garbage') return refuse('invalid', 'INVALID_SIGNING_REQUEST', 'no');
    this.signed += 1;
    return {
      certificate: { serial: `serial-${this.signed}`, issuedMs: nowMs, endMs: nowMs + lifeMs },
      keyHash: createHash('sha256').update(signingRequest).digest('hex'),
      chainPem: `certificate ${this.signed} of ${uri}`,
    };
  }
}

const subjectHeader = 'test-subject';

interface Who {
  subject: Subject;
  certificateEndMs: number;
}

/** Says in a header of every call who it is. */
class ApiOf extends Api {
  override readonly channel: grpc.Client;

  constructor(address: string, who: Who) {
    super(address);
    this.channel = new grpc.Client(address, grpc.credentials.createInsecure(), {
      interceptors: [
        (options, next) =>
          new grpc.InterceptingCall(next(options), {
            start(metadata, listener, start) {
              metadata.set(subjectHeader, JSON.stringify(who));
              start(metadata, listener);
            },
          }),
      ],
    });
  }
}

function callerOf({ metadata }: Call): Identified {
  const [header] = metadata.get(subjectHeader);
  if (header === undefined) return insecureCaller;
  const { subject, certificateEndMs } = JSON.parse(String(header)) as Who;
  const identity = subject.kind === 'host' ? hostUri('test', subject.id) : subject.kind;
  return { ...insecureCaller, identity, subject, certificateEndMs };
}

export interface EnrolmentWorld {
  world: EngineWorld;
  store: MemoryStore;
  authority: CountingAuthority;
  /** Of somebody who may do everything. */
  admin: Api;
  nobody: Api;
  as(subject: Subject, certificateEndMs?: number): Api;
}

export async function enrolmentWorld(t: Scope): Promise<EnrolmentWorld> {
  const store = new MemoryStore();
  const world = await EngineWorld.on(store);
  world.run({ type: 'federation.open', instance: 'first', name: 'test', incarnation: 1 });
  const log = pino({ level: 'silent' });
  const checkpoints = new Checkpoints(world.engine, store, checkpointKeyIn(`${temporaryFolder(t)}/key`));
  const { engine } = world;
  const fleet = new Fleet({ engine, checkpoints, leaseMs: 600_000, log, uptimeMs: () => performance.now() });
  fleet.start();
  const authority = new CountingAuthority();
  const { server } = apiServer({
    context: {
      engine,
      requests: new Requests(store, []),
      entrance: new Entrance({
        callsPerSecond: 1e6,
        strangersPerSecond: 1e6,
        uptimeMs: () => performance.now(),
      }),
      log,
      attempts: { note: () => {} },
      callers: { of: callerOf },
      authority,
      authorize: authorizer(engine),
    },
    ring: watchRingOf(engine),
    fleet,
    version: '0',
    startMs: 0,
    usage: { ask: async () => null },
    audit: { reader: { ask: async () => null }, key: checkpoints },
    alarms: { walks: new StateWalks(), certificates: () => [] },
    events: {
      reader: { ask: async () => null },
      follower: { ask: async () => ({ events: [], next: null }) },
    },
    advertise: ['scheduler.test:7443'],
    agentService: agentService(fleet, checkpoints.publicKey, certificateMs),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  const apis: Api[] = [];
  const as = (subject: Subject | null, certificateEndMs = 0): Api => {
    const address = `127.0.0.1:${port}`;
    const api = subject === null ? new Api(address) : new ApiOf(address, { subject, certificateEndMs });
    apis.push(api);
    return api;
  };
  t.teardown(() => {
    fleet.stop();
    server.forceShutdown();
    for (const api of apis) api.close();
  });
  const admin = as(null);
  for (const siteId of ['zagreb', 'skopje'])
    await admin.call('CreateSite', { siteId, site: { partner: 'p', country: 'HR' } });
  await admin.call('CreateAdministration', { administrationId: 'adm', administration: { country: 'HR' } });
  await admin.call('CreateImage', { imageId: 'tiny', image: tinyImage });
  return { world, store, authority, admin, nobody: as({ kind: 'nobody', reason: 'no certificate' }), as };
}
