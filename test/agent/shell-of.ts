/** A real shell around a real core, with nothing of the machine beside what a test brings along. */
import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { systemClock } from '../../agent/clock.js';
import { Ledger } from '../../agent/converge/ledger.js';
import { AgentCore } from '../../agent/core.js';
import { PoolLanes } from '../../agent/pool-lanes.js';
import { AgentShell, type ShellParts } from '../../agent/shell.js';
import { LedgerWriter } from '../../agent/state/ledger-writer.js';
import { TrashPools } from '../../agent/state/trash-pools.js';
import { LeaseFile } from '../../agent/watchdog/lease-file.js';

export interface ShellOfTest
  extends Pick<ShellParts, 'hypervisor' | 'images' | 'transport'>,
    Partial<Pick<ShellParts, 'migration' | 'room'>> {
  /** For what it writes. */
  folder: string;
  poolDirectories: string[];
  ledger?: Ledger;
}

/** The shell is not started yet. */
export function shellOf({ folder, poolDirectories, ledger = new Ledger('boot'), ...parts }: ShellOfTest) {
  const clock = systemClock();
  const core = new AgentCore(
    {
      identity: { host: 'h1', machineId: '0'.repeat(32), bootId: 'boot', instance: randomUUID() },
      ledger,
      random: () => 0,
      poolDirectories,
      fencing: {},
      verifyCheckpoint: () => false,
    },
    clock.now(),
  );
  const shell = new AgentShell({
    core,
    clock,
    log: pino({ level: 'silent' }),
    pools: new PoolLanes(),
    trashPools: new TrashPools(folder),
    room: { keep: async () => undefined },
    writer: new LedgerWriter(ledger, async () => undefined),
    watchdog: null,
    leaseFile: new LeaseFile(folder, 'boot'),
    survey: async () => ({}),
    measure: async () => ({ memoryUsedMib: 0, cpuPercent: 0, diskAvailableMib: 0 }),
    fence: () => Promise.reject(new Error('nobody is to be fenced')),
    migration: { uri: '', peers: [] },
    trashRetentionMs: 3600_000,
    ...parts,
  });
  return { core, shell };
}
