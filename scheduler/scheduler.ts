/** A running scheduler: store, engine, fleet and server wired together, started and stopped in the right order. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { destination, type Logger, pino } from 'pino';
import { Accountant } from './accounting/accountant.js';
import { agentService } from './api/agent-service.js';
import { insecureCallers } from './api/callers.js';
import { Requests } from './api/requests.js';
import { apiServer } from './api/server.js';
import { Turns } from './api/turns.js';
import { watchRingOf } from './api/vm-watch.js';
import type { Config } from './config.js';
import type { AuditQuestion, AuditTold } from './core/audit/questions.js';
import { visibilityOf } from './core/audit/visibility.js';
import { Engine } from './engine.js';
import { Checkpoints } from './fleet/checkpoints.js';
import { Fleet } from './fleet/fleet.js';
import { loadState } from './store/load.js';
import { SqliteStore } from './store/sqlite/sqlite-store.js';
import { StoreError } from './store/store.js';
import { packageVersion } from './version.js';

/** How long calls under way may take to end when the scheduler stops. */
const drainMs = 3000;

const catchUpMs = 1000;

const checkpointEveryMs = 60_000;

/** The store has failed: what was not acknowledged is not known to have happened (PROTOCOL S2). */
const storeFailedStatus = 70;

/**
 * Runs until SIGTERM or SIGINT.
 *
 * @throws StoreError when the store cannot be opened, or the address cannot be listened on.
 */
export async function runScheduler(config: Config): Promise<void> {
  const log = pino(
    { level: config.logLevel, base: { pid: process.pid } },
    destination({ dest: 2, sync: true }),
  );
  const startMs = Date.now();
  // From the first moment: whoever is told to stop while it starts stops in good order too.
  const told = signalled();
  const storeFile = join(config.dataDir, 'secovia.db');
  const store = new SqliteStore(storeFile);
  const { state, head, requests: loaded } = await loadState(store, config.strategy);
  const engine = new Engine({
    state,
    store,
    head,
    clock: Date.now,
    onFatal: (error) => {
      log.fatal(
        { err: error },
        'decisions cannot be kept; stopping, so that nothing is promised that is not',
      );
      process.exit(storeFailedStatus);
    },
  });
  const instance = randomUUID();
  engine.run({ type: 'federation.open', instance, name: config.federation, incarnation: 1 });
  await engine.readable();

  const checkpoints = await openCheckpoints(engine, store, join(config.dataDir, 'checkpoint.key'));
  const fleet = new Fleet({
    engine,
    checkpoints,
    leaseMs: config.leaseMs,
    log,
    uptimeMs: () => performance.now(),
  });
  fleet.start();
  const accountant = new Accountant(storeFile, new URL('./accounting-thread.js', import.meta.url));
  const auditors = new Accountant<AuditQuestion, AuditTold>(
    storeFile,
    new URL('./audit-thread.js', import.meta.url),
  );
  const { server, serving, notServing } = apiServer({
    context: {
      engine,
      requests: new Requests(store, loaded),
      turns: new Turns(),
      log,
      callers: insecureCallers,
      authority: null,
    },
    ring: watchRingOf(engine),
    leaseEndMs: fleet.leaseEndMs,
    version: packageVersion(),
    startMs,
    usage: accountant,
    audit: { reader: auditors, key: checkpoints, visibilityOf },
    agentService: agentService(fleet, checkpoints.publicKey),
  });
  warnOfBreaches(engine, log);
  const port = await bind(server, config.listen).catch(async (error: Error) => {
    await store.close();
    throw new StoreError(`cannot listen on ${config.listen}: ${error.message}`);
  });
  serving();
  // What begins and ends at a time does so while nobody calls, too.
  const clock = setInterval(() => engine.catchUp(), catchUpMs);
  const keeping = setInterval(() => checkpoints.keep(), checkpointEveryMs);
  const { epoch } = state.federation;
  const counts = { sites: state.sites.size, hosts: state.hosts.size, vms: state.vms.size };
  const startedInMs = Date.now() - startMs;
  log.info(
    { listen: config.listen, port, epoch, ...counts, sequence: head.sequence, startedInMs },
    'serving',
  );

  await told;
  log.info('stopping');
  clearInterval(clock);
  clearInterval(keeping);
  notServing();
  fleet.stop();
  accountant.close();
  auditors.close();
  await shutDown(server);
  await engine.readable();
  checkpoints.keep();
  await store.close();
  log.info('stopped');
}

/** Whoever watches the log hears at once that VMs are where they may not be any more. */
function warnOfBreaches(engine: Engine, log: Logger): void {
  engine.onCommitted(({ touched }) => {
    for (const breach of touched.written.breach.values())
      log.warn({ breach }, 'VMs are where they may not be any more; see secovia residency breaches');
    for (const breach of touched.removed.breach.values()) log.info({ breach }, 'a breach has ended');
  });
}

async function openCheckpoints(engine: Engine, store: SqliteStore, keyFile: string): Promise<Checkpoints> {
  try {
    return new Checkpoints(engine, store, keyFile);
  } catch (error) {
    await store.close();
    throw new StoreError(`cannot use ${keyFile}: ${(error as Error).message}; restore it from a backup`);
  }
}

function bind(server: grpc.Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error, port) => {
      if (error) reject(error);
      else resolve(port);
    });
  });
}

function signalled(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
}

function shutDown(server: grpc.Server): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      server.forceShutdown();
      resolve();
    }, drainMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
