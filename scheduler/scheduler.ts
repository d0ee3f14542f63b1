/** A running scheduler: store, engine, fleet and server wired together, started and stopped in the right order. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { destination, type Logger, pino } from 'pino';
import { endpointOf, isLoopback } from '../proto/loopback.js';
import { serveTelemetry, type TelemetryEndpoint } from '../proto/telemetry-endpoint.js';
import { Accountant } from './accounting/accountant.js';
import { agentService } from './api/agent-service.js';
import { CountedAttempts } from './api/attempts.js';
import { authorizer } from './api/authorization.js';
import { insecureCallers } from './api/callers.js';
import { Entrance } from './api/entrance.js';
import { Requests } from './api/requests.js';
import { apiServer } from './api/server.js';
import { watchRingOf } from './api/vm-watch.js';
import { EventReader } from './audit/event-reader.js';
import { advertised, type Config } from './config.js';
import type { OwnCertificate } from './core/alarms/alarm.js';
import { standingOf } from './core/access/standing.js';
import type { AuditQuestion, AuditTold } from './core/audit/questions.js';
import type { Engine } from './engine.js';
import { checkpointKeyIn, Checkpoints } from './fleet/checkpoints.js';
import { Fleet } from './fleet/fleet.js';
import { keepGrowthSmall, keepThreadsSmall } from './heap.js';
import { openFolder } from './opening.js';
import { StateWalks } from './state-walks.js';
import type { SteadyClock } from './steady-clock.js';
import { type Store, StoreError } from './store/store.js';
import { SchedulerTelemetry } from './telemetry/scheduler-telemetry.js';
import { Surveyor } from './telemetry/survey.js';
import { CertificateCallers } from './trust/callers.js';
import { Connections, usualLimits } from './trust/connections.js';
import type { Listener } from './trust/listener.js';
import type { OidcTokens } from './trust/oidc.js';
import { authorityFolder } from './trust/place.js';
import { cutRevoked } from './trust/revocation.js';
import { packageVersion } from './version.js';

/** How long calls under way may take to end when the scheduler stops. */
const drainMs = 3000;

const catchUpMs = 1000;

/** Characters of the log that wait for a slow reader; lines beyond are dropped. */
const waitingLogLength = 8 * 2 ** 20;

const checkpointEveryMs = 60_000;

/** Tells everybody that the wall clock has jumped, and when it is right again. */
function noteJump(engine: Engine, { jumpMs }: SteadyClock, log: Logger): void {
  const stood = engine.state.federation.clockJump !== undefined;
  if (stood === (jumpMs !== 0)) return;
  engine.run({ type: 'clock.note', jumpMs });
  if (stood) log.info('the clock of this machine is believed again');
  else log.error({ jumpMs }, 'the clock of this machine has jumped, and is not believed');
}

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
    // Not in step with its reader: thousands of agents that come back are a line each, and a pipe that is full would hold up
    // everything else. What is fatal is written before the process ends, and so is what waits when it does.
    destination({ dest: 2, sync: false, maxLength: waitingLogLength }),
  );
  const startMs = Date.now();
  keepThreadsSmall();
  const secure = config.insecure ? null : await import('./trust/secure.js');
  const authority = (await secure?.openAuthority(config.dataDir, startMs)) ?? null;
  if (secure !== null && authority === null) throw secure.noAuthority(config.dataDir);
  // From the first moment: whoever is told to stop while it starts stops in good order too.
  const told = signalled();
  const telemetry = config.metricsListen === '' ? null : new SchedulerTelemetry(packageVersion());
  // Before the store is read, which takes seconds in a large federation: until then it is alive, and not ready.
  const endpoint = telemetry === null ? null : await openEndpoint(config.metricsListen, telemetry, log);
  const observer = telemetry === null ? {} : { observer: telemetry };
  const { store, storeFile, engine, head, requests, migrated, clock } = await openFolder({
    ...observer,
    dataDir: config.dataDir,
    strategy: config.strategy,
    federation: config.federation,
    keepsName: existsSync(authorityFolder(config.dataDir)),
    onFatal: (error) => {
      log.fatal(
        { err: error },
        'decisions cannot be kept; stopping, so that nothing is promised that is not',
      );
      process.exit(storeFailedStatus);
    },
  });
  keepGrowthSmall();
  if (migrated !== null) log.warn(migrated, 'the store was migrated; only its backup leads back');
  const { state } = engine;
  const now = () => engine.now();
  const connections = new Connections(
    usualLimits,
    (caller) => standingOf(state, caller, now()).refusal === undefined,
  );
  const tokens = await openTokens(config, engine, store, log);
  const checkpoints = await openCheckpoints(engine, store, join(config.dataDir, 'checkpoint.key'));
  const fleet = new Fleet({
    engine,
    checkpoints,
    leaseMs: config.leaseMs,
    operationLimitMs: config.operationLimitMs,
    log,
    uptimeMs: () => performance.now(),
  });
  fleet.start();
  const accountant = new Accountant(storeFile, new URL('./accounting-thread.js', import.meta.url));
  const auditors = new Accountant<AuditQuestion, AuditTold>(
    storeFile,
    new URL('./audit-thread.js', import.meta.url),
  );
  const followed = new EventReader(storeFile, new URL('./event-thread.js', import.meta.url));
  const attempts = new CountedAttempts(engine);
  const walks = new StateWalks();
  const certificate =
    secure === null || authority === null
      ? null
      : new secure.ServerCertificate(config.dataDir, authority, state.federation.name);
  const certificates = (): OwnCertificate[] =>
    authority === null || certificate === null ? [] : [...certificate.lives, authority.life];
  const { server, serving, notServing } = apiServer({
    context: {
      engine,
      requests: new Requests(store, requests),
      entrance: new Entrance({ callsPerSecond: config.callsPerSecond, uptimeMs: () => performance.now() }),
      log,
      callers: authority === null ? insecureCallers : new CertificateCallers({ connections, tokens, now }),
      authorize: authorizer(engine),
      attempts,
      authority,
      ...observer,
    },
    ring: watchRingOf(engine),
    fleet,
    version: packageVersion(),
    startMs,
    usage: accountant,
    advertise: advertised(config),
    audit: { reader: auditors, key: checkpoints },
    alarms: { walks, certificates },
    events: { reader: auditors, follower: followed },
    agentService: agentService(fleet, checkpoints.publicKey, config.hostCertificateMs),
  });
  warnOfBreaches(engine, log);
  const listening =
    secure === null || authority === null || certificate === null
      ? bind(server, config.listen)
      : secure.listenSecurely({
          ...endpointOf(config.listen),
          server,
          log,
          connections,
          certificate,
          trusted: { signer: authority.signer, federation: state.federation.name },
          now: Date.now,
        });
  const { port, stop } = await listening.catch(async (error: Error) => {
    await store.close();
    throw new StoreError(`cannot listen on ${config.listen}: ${error.message}`);
  });
  if (authority === null) log.warn('there is no TLS: whoever can reach this port may do everything');
  else engine.onCommitted(({ touched }) => cutRevoked(connections, touched));
  serving();
  telemetry?.watch({
    engine,
    surveyor: new Surveyor(engine, walks, certificates),
    agents: () => fleet.connected,
    leases: () => fleet.leaseCounts(),
  });
  telemetry?.serving();
  // Now, and not before: nobody waits for it.
  void walks.walk(() => state.settling(), undefined, 1);
  // What begins and ends at a time does so while nobody calls, too.
  const ticking = setInterval(() => {
    engine.catchUp();
    noteJump(engine, clock, log);
  }, catchUpMs);
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
  telemetry?.stopping();
  clearInterval(ticking);
  clearInterval(keeping);
  notServing();
  stop();
  fleet.stop();
  accountant.close();
  auditors.close();
  followed.close();
  await shutDown(server);
  attempts.flush();
  await engine.readable();
  checkpoints.keep();
  await store.close();
  endpoint?.close();
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

/** @throws StoreError when the address cannot be listened on. */
async function openEndpoint(
  address: string,
  telemetry: SchedulerTelemetry,
  log: Logger,
): Promise<TelemetryEndpoint> {
  const endpoint = await serveTelemetry(address, telemetry).catch((error: Error) => {
    throw new StoreError(`cannot serve metrics on ${address}: ${error.message}`);
  });
  log.info({ metricsListen: address, port: endpoint.port }, 'serving metrics');
  if (!isLoopback(endpointOf(address).host)) {
    log.warn('whoever can reach the port of the metrics sees how the federation is doing; it has no TLS');
  }
  return endpoint;
}

/** How the tokens that portals bring are verified; null where no issuer is known. */
async function openTokens(
  { oidcIssuer, oidcAudience, oidcKeys, oidcClaim, oidcClockSkewS }: Config,
  engine: Engine,
  store: Store,
  log: Logger,
): Promise<OidcTokens | null> {
  if (oidcIssuer === '') return null;
  const { OidcTokens } = await import('./trust/oidc.js');
  try {
    return new OidcTokens({
      issuer: oidcIssuer,
      audience: oidcAudience,
      keys: oidcKeys,
      claim: oidcClaim,
      clockSkewS: oidcClockSkewS,
      now: () => engine.now(),
      isWithin: (administration, above) => engine.state.isWithin(administration, above),
      log,
    });
  } catch (error) {
    await store.close();
    throw new StoreError(`cannot use oidcKeys: ${(error as Error).message}`);
  }
}

async function openCheckpoints(engine: Engine, store: Store, keyFile: string): Promise<Checkpoints> {
  try {
    return new Checkpoints(engine, store, checkpointKeyIn(keyFile));
  } catch (error) {
    await store.close();
    throw new StoreError(`cannot use ${keyFile}: ${(error as Error).message}; restore it from a backup`);
  }
}

function bind(server: grpc.Server, address: string): Promise<Listener> {
  return new Promise((resolve, reject) => {
    server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error, port) => {
      if (error) reject(error);
      else resolve({ port, stop: () => {} });
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
