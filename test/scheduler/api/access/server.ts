/**
 * The interface in this process, on a federation that a test has at hand, for callers who say in a header who they are:
 * what TLS proves elsewhere is taken for granted here.
 */
import * as grpc from '@grpc/grpc-js';
import { pino } from 'pino';
import { agentService } from '../../../../scheduler/api/agent-service.js';
import { authorizer } from '../../../../scheduler/api/authorization.js';
import type { Call } from '../../../../scheduler/api/callers.js';
import { Entrance } from '../../../../scheduler/api/entrance.js';
import { Requests } from '../../../../scheduler/api/requests.js';
import { apiServer } from '../../../../scheduler/api/server.js';
import type { UsageReader } from '../../../../scheduler/api/usage-service.js';
import { watchRingOf } from '../../../../scheduler/api/vm-watch.js';
import { type Caller, insecureCaller } from '../../../../scheduler/core/access/caller.js';
import { checkpointKeyIn, Checkpoints } from '../../../../scheduler/fleet/checkpoints.js';
import { Fleet } from '../../../../scheduler/fleet/fleet.js';
import { StateWalks } from '../../../../scheduler/state-walks.js';
import { EngineWorld } from '../../engine-world.js';
import { type Scope, temporaryFolder } from '../../scope.js';
import { MemoryStore } from '../../store/memory-store.js';
import { Api } from '../client.js';

const header = 'test-caller';

class ApiOf extends Api {
  override readonly channel: grpc.Client;

  constructor(address: string, caller: Caller) {
    super(address);
    this.channel = new grpc.Client(address, grpc.credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
      interceptors: [
        (options, next) =>
          new grpc.InterceptingCall(next(options), {
            start(metadata, listener, start) {
              metadata.set(header, JSON.stringify(caller));
              start(metadata, listener);
            },
          }),
      ],
    });
  }
}

function callerOf({ metadata }: Call): Caller {
  const [said] = metadata.get(header);
  return said === undefined ? insecureCaller : (JSON.parse(String(said)) as Caller);
}

export interface Served {
  world: EngineWorld;
  /** Of somebody who may do everything. */
  root: Api;
  as(caller: Caller): Api;
  /** Ends it before the test does. */
  close(): void;
}

const nothingUsed: UsageReader = { ask: async () => null };

export async function serve(
  t: Scope,
  settle: (world: EngineWorld) => void,
  usage: UsageReader = nothingUsed,
): Promise<Served> {
  const store = new MemoryStore();
  const world = await EngineWorld.on(store);
  settle(world);
  const log = pino({ level: 'silent' });
  const { engine } = world;
  const checkpoints = new Checkpoints(engine, store, checkpointKeyIn(`${temporaryFolder(t)}/key`));
  const fleet = new Fleet({ engine, checkpoints, leaseMs: 600_000, log, uptimeMs: () => performance.now() });
  const uptimeMs = () => performance.now();
  const { server } = apiServer({
    context: {
      engine,
      requests: new Requests(store, []),
      entrance: new Entrance({ callsPerSecond: 1e6, strangersPerSecond: 1e6, uptimeMs }),
      log,
      attempts: { note: () => {} },
      callers: { of: callerOf },
      authority: null,
      authorize: authorizer(engine),
    },
    ring: watchRingOf(engine),
    fleet,
    version: '0',
    startMs: 0,
    usage,
    audit: { reader: { ask: async () => null }, key: checkpoints },
    alarms: { walks: new StateWalks(), certificates: () => [] },
    events: {
      reader: { ask: async () => null },
      follower: { ask: async () => ({ events: [], next: null }) },
    },
    advertise: ['scheduler.test:7443'],
    agentService: agentService(fleet, checkpoints.publicKey),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  const address = `127.0.0.1:${port}`;
  const apis: Api[] = [];
  const kept = (api: Api): Api => {
    apis.push(api);
    return api;
  };
  const close = () => {
    for (const api of apis.splice(0)) api.close();
    server.forceShutdown();
  };
  t.teardown(close);
  return { world, root: kept(new Api(address)), as: (caller) => kept(new ApiOf(address, caller)), close };
}
