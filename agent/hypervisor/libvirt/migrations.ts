/**
 * Running domains that are handed over to another libvirtd, peer to peer: this libvirtd connects to the other one and does
 * it all, so the job goes on when the agent dies. Each has a connection of its own, since its call lasts as long as it does.
 */
import { type Connection, ErrorCode, type JobInfo, LibvirtError } from '../../../native/index.js';
import { HypervisorError, type Leaving, type MoveControl } from '../hypervisor.js';
import { asHypervisorError, hasCode } from './failure.js';
import type { LibvirtSession } from './session.js';

export interface MigrationOptions {
  tls: boolean;
  unsafe: boolean;
}

/** virDomainMigrateFlags. */
const flag = {
  live: 1,
  peer2peer: 2,
  persistDest: 8,
  undefineSource: 16,
  unsafe: 512,
  /** A guest that changes its memory faster than the wire carries it is slowed down. */
  autoConverge: 8192,
  tls: 65_536,
};

/** virDomainJobType: bounded and unbounded. */
const underWay = new Set([1, 2]);
/** virDomainJobOperation: VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT. */
const migrationOut = 5;

/** No domain, or one that is off, or a driver that knows no jobs. */
const noJob = [ErrorCode.NO_DOMAIN, ErrorCode.OPERATION_INVALID, ErrorCode.NO_SUPPORT];

/** A day: what takes longer is not waited for, and still seen as a job. */
const migrateDeadlineMs = 24 * 3600_000;
const lookDeadlineMs = 10_000;
const progressMs = 1_000;
/** A job that has not begun, or is at its very end, cannot be aborted just then. */
const abortAgainMs = 500;

export class Migrations {
  readonly #session: LibvirtSession;
  readonly #flags: number;

  constructor(session: LibvirtSession, { tls, unsafe }: MigrationOptions) {
    this.#session = session;
    this.#flags =
      flag.live |
      flag.peer2peer |
      flag.persistDest |
      flag.undefineSource |
      flag.autoConverge |
      (tls ? flag.tls : 0) |
      (unsafe ? flag.unsafe : 0);
  }

  async migrate(uid: string, peerUri: string, { onProgress, signal }: MoveControl): Promise<void> {
    if (signal.aborted) throw new HypervisorError('failed', 'it was called off before it began');
    let isOver = false;
    const look = async () => {
      const leaving = await this.leaving(uid);
      if (leaving !== null && !isOver) onProgress(leaving);
    };
    const timers = [every(progressMs, look)];
    const abort = () => timers.push(every(abortAgainMs, () => this.abort(uid)));
    signal.addEventListener('abort', abort);
    try {
      await this.#session.run('migration', (connection) => this.#call(connection, uid, peerUri));
    } finally {
      isOver = true;
      signal.removeEventListener('abort', abort);
      for (const timer of timers) clearInterval(timer);
    }
  }

  leaving(uid: string): Promise<Leaving | null> {
    const look = async (connection: Connection) => {
      try {
        return leavingOf(await connection.domainJobStats(uid, undefined, { deadlineMs: lookDeadlineMs }));
      } catch (error) {
        if (!hasCode(error, ...noJob)) throw error;
        return null;
      }
    };
    // Asked every second while a domain leaves, so no more than one may hang. It can hang where a look at the domain does not.
    return this.#session.run('query', look, `the job of ${uid}`);
  }

  async abort(uid: string): Promise<void> {
    await this.#session.run('control', async (connection) => {
      try {
        await connection.domainAbortJob(uid, { deadlineMs: lookDeadlineMs });
      } catch (error) {
        if (!hasCode(error, ...noJob)) throw error;
      }
    });
  }

  async #call(connection: Connection, uid: string, peerUri: string): Promise<void> {
    try {
      await connection.domainMigrate(uid, peerUri, this.#flags, {}, { deadlineMs: migrateDeadlineMs });
    } catch (error) {
      const known = asHypervisorError(error);
      if (hasCode(error, ErrorCode.MIGRATE_UNSAFE)) {
        throw new HypervisorError(
          'invalid',
          `${known.message} (see migration.unsafe in the agent's settings)`,
        );
      }
      // libvirtd passes on that it could not reach the other one, in the words in which it would not be reached itself.
      const isTheirs =
        known.fault === 'unavailable' && error instanceof LibvirtError && (await answers(connection));
      throw isTheirs || known.fault === 'absent' ? new HypervisorError('failed', known.message) : error;
    }
  }
}

/** Does something now and again and again; what fails, or takes long, is tried at the next time. */
function every(pauseMs: number, work: () => Promise<void>): NodeJS.Timeout {
  let isBusy = false;
  const begin = () => {
    if (isBusy) return;
    isBusy = true;
    void work()
      .catch(() => undefined)
      .finally(() => {
        isBusy = false;
      });
  };
  begin();
  return setInterval(begin, pauseMs);
}

async function answers(connection: Connection): Promise<boolean> {
  return connection.libVersion({ deadlineMs: lookDeadlineMs }).then(
    () => true,
    () => false,
  );
}

function leavingOf({ type, values }: JobInfo): Leaving | null {
  if (!underWay.has(type) || Number(values['operation'] ?? 0) !== migrationOut) return null;
  const total = Number(values['data_total'] ?? 0);
  const remaining = Number(values['data_remaining'] ?? 0);
  const percent = total > 0 ? (100 * (total - remaining)) / total : 0;
  return { percent: Math.min(100, Math.max(0, percent)) };
}
