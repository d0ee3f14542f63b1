/**
 * `secovia-agent run`: the parts of a real host put together, from the configuration to the socket, and taken down
 * in order. The guests outlive every end of this process.
 */
import { createPublicKey, type KeyObject, randomUUID, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type Logger, pino } from 'pino';
import { type SecureChannel, secureChannel } from '../proto/credentials.js';
import { endpointOf, isLoopback } from '../proto/loopback.js';
import { serveTelemetry, type TelemetryEndpoint } from '../proto/telemetry-endpoint.js';
import { systemClock } from './clock.js';
import { type AgentConfig, ConfigError, identityFolder, socketPath } from './config.js';
import { type Checkpoint, checkpointText } from './converge/epoch.js';
import { Ledger } from './converge/ledger.js';
import { AgentCore } from './core.js';
import { insecureChannel } from './enrolment/agent-call.js';
import { IdentityError, IdentityFolder } from './enrolment/identity-folder.js';
import { CertificateRenewer } from './enrolment/renewer.js';
import type { Hypervisor } from './hypervisor/hypervisor.js';
import { PoolFolders } from './hypervisor/pool-folders.js';
import { carryOutFence } from './fencing/fencer.js';
import { OwnControllerReader } from './fencing/own-controller.js';
import { TargetWatch } from './fencing/target-watch.js';
import { fileThreads, presentThreads } from './file-threads.js';
import { readBootId, readMachineId } from './identity.js';
import { type CachedImage, ImageStore } from './images/image-store.js';
import { FilesystemReader } from './inventory/filesystems.js';
import { measure, survey } from './inventory/inventory.js';
import { GrpcTransport } from './link/grpc-transport.js';
import { PoolLanes } from './pool-lanes.js';
import { AgentShell } from './shell.js';
import { DiskRoom } from './room/disk-room.js';
import { DiskReserve } from './room/reserve.js';
import { LedgerWriter } from './state/ledger-writer.js';
import { lockFolder } from './state/lock.js';
import { StateFile } from './state/state-file.js';
import { PoolMounts } from './state/pool-mounts.js';
import { TrashPools } from './state/trash-pools.js';
import { composeStatus } from './status/compose.js';
import { serveStatus } from './status/server.js';
import { tcpPatienceProblem } from './tcp-patience.js';
import { AgentTelemetry } from './telemetry/agent-telemetry.js';
import { observedHypervisor } from './telemetry/observed-hypervisor.js';
import { LeaseFile } from './watchdog/lease-file.js';
import { openWatchdog } from './watchdog/open-watchdog.js';

export interface RunOptions {
  config: AgentConfig;
  /** Go on without the state file although it is gone. */
  beginAnew: boolean;
}

const imageListMs = 30_000;

/** Runs until the process is told to end. */
export async function runAgent({ config, beginAnew }: RunOptions): Promise<void> {
  const log = pino(
    { level: config.logLevel, base: { host: config.host } },
    pino.destination({ fd: 2, sync: true }),
  );
  const { channel, renewer } = openIdentity(config, log);
  const version = agentVersion();
  const telemetry = config.metricsListen === '' ? null : new AgentTelemetry(version);
  const poolFolders = new PoolFolders(config.poolDirectories, new PoolMounts(config.dataDir));
  const driver = await openHypervisor(config, poolFolders, log);
  const hypervisor = telemetry === null ? driver : observedHypervisor(driver, telemetry);
  lockFolder(config.dataDir);
  const clock = systemClock();
  const file = new StateFile(config.dataDir);
  const content = await file.load(beginAnew);
  const bootId = readBootId();
  const ledger = new Ledger(bootId, content ?? undefined);
  const leaseFile = new LeaseFile(config.dataDir, bootId);
  const watchdog = await openWatchdog(config.watchdog, config.dataDir, bootId, log);
  const reserve = new DiskReserve(config.dataDir);
  const writer = new LedgerWriter(ledger, (state) => reserve.around(() => file.save(state)));
  // From now on a missing file means that it was lost.
  if (content === null) await file.save(ledger.content());
  const pools = new PoolLanes();
  const images = new ImageStore(config.host, config.dataDir, config.imageDirectories, poolFolders, pools);
  await images.prepare();
  const room = new DiskRoom({ dataDir: config.dataDir, reserve, images, log });
  const identity = { host: config.host, machineId: readMachineId(), bootId, instance: randomUUID() };
  const verifyCheckpoint = checkpointVerifier(config);
  const { dataDir, extras, poolDirectories, migration } = config;
  // One file of settings may serve all hosts of a site.
  const { [config.host]: _self, ...fencing } = config.fencing;
  const core = new AgentCore(
    {
      identity,
      ledger,
      random: Math.random,
      poolDirectories,
      fencing,
      verifyCheckpoint,
      watchdogTimeoutS: watchdog?.timeoutSeconds ?? null,
      heldLease: leaseFile.read(),
      inheritsWatchdog: content === null && watchdog?.wasArmed === true,
    },
    clock.now(),
  );
  const monotonicMs = () => clock.now().bootMs;
  const ownController = new OwnControllerReader(config.controllerGuidCommand, monotonicMs);
  const controllerGuid = async () => (await ownController.read()).guid;
  const filesystems = new FilesystemReader();
  const policy = { capacity: config.capacity, reserved: config.reserved };
  const shell = new AgentShell({
    core,
    clock,
    log,
    hypervisor,
    images,
    pools,
    trashPools: new TrashPools(config.dataDir),
    room,
    writer,
    leaseFile,
    watchdog: watchdog?.device ?? null,
    transport: new GrpcTransport(config.scheduler, channel),
    survey: (machine) =>
      survey(
        {
          dataDir,
          agentVersion: version,
          policy,
          extras,
          filesystems,
          migrationUri: migration.uri,
          controllerGuid,
        },
        machine,
      ),
    measure: () => measure(dataDir),
    fence: (order, methods) => carryOutFence(order, methods, monotonicMs, () => core.fences.stands(order)),
    migration,
    trashRetentionMs: config.trashRetentionHours * 3600_000,
    ...(telemetry === null ? {} : { observer: telemetry }),
  });
  const watch = new TargetWatch({
    targets: fencing,
    random: Math.random,
    tell: (states) => shell.fenceTargetsSeen(states),
  });
  let cached: CachedImage[] = await images.list();
  const relist = async () => {
    cached = await images.list();
  };
  setInterval(() => void relist(), imageListMs).unref();
  const status = () =>
    composeStatus({
      core,
      now: clock.now(),
      availability: hypervisor.availability(),
      images: cached,
      startedWallMs: shell.startedWallMs,
      connectedToLibvirtWallMs: shell.connectedToLibvirtWallMs,
      host: config.host,
      site: config.site,
      federation: config.federation,
      scheduler: config.scheduler,
      libvirtUri: config.libvirtUri,
      version,
      certificate: renewer?.standing() ?? null,
      ownController: ownController.known,
    });
  const server = await serveStatus(socketPath(config), status);
  telemetry?.watch(() => ({ status: status(), permits: ledger.size }));
  const endpoint = telemetry === null ? null : await openEndpoint(config.metricsListen, telemetry, log);
  log.info({ event: 'agent.start', version, instance: identity.instance, pid: process.pid });
  if (presentThreads(process.env) < fileThreads) {
    log.warn(
      { event: 'threads', present: presentThreads(process.env), wanted: fileThreads },
      'started without its command secovia-agent: a shared pool that hangs may hold up VMs of other pools',
    );
  }
  if (config.insecure) {
    log.warn(
      { event: 'insecure' },
      'there is no TLS: whoever can listen at the scheduler’s address is obeyed',
    );
  }
  const patience = migration.peers.length > 0 ? tcpPatienceProblem() : null;
  if (patience !== null) {
    log.warn({ event: 'migration' }, patience);
    core.troubles.add(patience, clock.now().wallMs);
  }
  if (renewer !== null) renewer.onRenewed = () => shell.certified();
  // Told to end while it waits for its scheduler, it ends.
  const told = untilTold(log);
  await Promise.race([renewer?.start(), told]);
  shell.start();
  watch.start();
  await told;
  watch.stop();
  renewer?.stop();
  server.close();
  endpoint?.close();
  await shell.stop('the agent is stopping');
  log.info({ event: 'agent.stop' });
}

/** @throws ConfigError when the address cannot be listened on. */
async function openEndpoint(
  address: string,
  telemetry: AgentTelemetry,
  log: Logger,
): Promise<TelemetryEndpoint> {
  const endpoint = await serveTelemetry(address, telemetry).catch((error: Error) => {
    throw new ConfigError(`metrics cannot be served on ${address}: ${error.message}`);
  });
  log.info({ event: 'metrics', address, port: endpoint.port });
  if (!isLoopback(endpointOf(address).host)) {
    log.warn(
      { event: 'metrics' },
      'whoever can reach the port of the metrics sees how this host is doing; it has no TLS',
    );
  }
  return endpoint;
}

interface OpenIdentity {
  /** How the scheduler is reached, with the newest certificate. */
  channel: () => SecureChannel;
  /** Null without TLS. */
  renewer: CertificateRenewer | null;
}

/** @throws IdentityError when this host has not joined. */
function openIdentity(config: AgentConfig, log: Logger): OpenIdentity {
  if (config.insecure) return { channel: insecureChannel, renewer: null };
  const folder = new IdentityFolder(identityFolder(config));
  const read = () => {
    const credentials = folder.read();
    if (credentials !== null) return credentials;
    throw new IdentityError(
      `there is no certificate in ${folder.path}: run secovia-agent join TOKEN first, with a token of secovia token create`,
    );
  };
  const credentials = read();
  const uri = `spiffe://${credentials.federation}/host/${config.host}`;
  if (credentials.uri !== uri) {
    throw new IdentityError(
      `the certificate in ${folder.path} is of ${credentials.uri}, and the settings are of host ${config.host}: run secovia-agent join again`,
    );
  }
  const parts = { folder, scheduler: config.scheduler, log, now: Date.now, random: Math.random };
  return { channel: () => secureChannel(read()), renewer: new CertificateRenewer(parts, credentials) };
}

/** libvirt on a real host; `fake:///folder` plays one from a file, for demonstrations. */
async function openHypervisor(
  config: AgentConfig,
  poolFolders: PoolFolders,
  log: Logger,
): Promise<Hypervisor> {
  if (config.libvirtUri.startsWith('fake:///')) {
    const { FakeHypervisor } = await import('./hypervisor/fake/fake-hypervisor.js');
    return FakeHypervisor.inFolder(config.libvirtUri.slice('fake://'.length), config.extras);
  }
  const { nativeStatus } = await import('../native/index.js');
  const native = nativeStatus();
  if (!native.available) throw new ConfigError(native.reason);
  const { LibvirtHypervisor } = await import('./hypervisor/libvirt/libvirt-hypervisor.js');
  const { kvmWorks } = await import('./inventory/accelerator.js');
  const { libvirtUri: uri, dataDir, accelerator, extras, migration } = config;
  return new LibvirtHypervisor({
    uri,
    dataDir,
    accelerator,
    kvmWorks,
    found: (found) => {
      if (found === 'kvm') log.info({ event: 'accelerator', accelerator: found });
      else
        log.warn({ event: 'accelerator', accelerator: found }, 'guests are emulated: KVM does not work here');
    },
    extras,
    poolFolders,
    migration,
  });
}

/** Without the federation's key no checkpoint can be believed. */
function checkpointVerifier({ checkpointKey }: AgentConfig): (checkpoint: Checkpoint) => boolean {
  if (checkpointKey === '') return () => false;
  let key: KeyObject;
  try {
    key = createPublicKey({ key: Buffer.from(checkpointKey, 'base64'), format: 'der', type: 'spki' });
  } catch {
    throw new ConfigError('checkpointKey is not a public key: run secovia-agent join again');
  }
  return (checkpoint) => {
    const signature = Buffer.from(checkpoint.signatureBase64, 'base64');
    return verify(null, Buffer.from(checkpointText(checkpoint)), key, signature);
  };
}

function untilTold(log: Logger): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        log.info({ event: 'agent.leaving', signal });
        resolve();
      });
    }
  });
}

/** The compiled module lies in dist/agent, two levels below the package's root. */
export function agentVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
