/**
 * Many clients at a real scheduler on a real file, which is killed again and again while they call. In every calm between
 * a crash and the next start the journal is followed as far as it has come, and nothing in it may be against the laws
 * of tenancy. In the end whatever was acknowledged must be there, in the journal and in the scheduler that lives.
 */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { loadState } from '../../../../scheduler/store/load.js';
import { SqliteStore } from '../../../../scheduler/store/sqlite/sqlite-store.js';
import { Random } from '../../core/placement/random.js';
import { TenancyWitness } from '../../core/tenancy-witness.js';
import type { Scope } from '../../scope.js';
import { eventually } from '../../within.js';
import { Api } from '../client.js';
import { SchedulerProcess } from '../scheduler-process.js';
import { Books } from './books.js';
import { Calls } from './calls.js';
import { StormClient } from './client.js';
import { Deeds, deedsOfDecision } from './deeds.js';
import { StormHost } from './host.js';
import { hostSize, hostsOf, settle, sharePools, sites } from './land.js';
import { compareLive, compareStates } from './live.js';

/** A storm leaves nothing of the machine to others, and may be left little itself. */
const startDeadlineMs = 120_000;

export interface StormPlan {
  /** Calls that are answered, refusals included. */
  operations: number;
  crashes: number;
  clients: number;
  /** Of each client. */
  callsAtOnce: number;
  seed: number;
  progress(storm: Storm): void;
}

export class Storm {
  readonly books = new Books();
  readonly witness = new TenancyWitness();
  crashes = 0;
  /** Decisions of the journal that were followed. */
  decisions = 0;
  readonly #journalled = new Deeds();
  readonly #random: Random;
  /** What has gone wrong on the side; the first is told. */
  #failure: Error | null = null;
  #fail: (error: Error) => void = () => {};
  readonly #failed = new Promise<never>((_, reject) => {
    this.#fail = (error) => {
      this.#failure ??= error;
      reject(error);
    };
  });

  private constructor(
    private readonly scheduler: SchedulerProcess,
    private readonly plan: StormPlan,
  ) {
    this.#random = new Random(plan.seed);
    this.#failed.catch(() => {});
  }

  /** Goes through with it; throws at the first thing that is wrong. */
  static async run(scope: Scope, plan: StormPlan): Promise<Storm> {
    const scheduler = await SchedulerProcess.start(scope, { flags: ['--lease-ms', '600000'] });
    const storm = new Storm(scheduler, plan);
    const agents = new Api(scheduler.address);
    const first = new StormClient(scheduler.address, storm.books, storm.#chance());
    const clients = Array.from(
      { length: plan.clients },
      () => new StormClient(scheduler.address, storm.books, storm.#chance()),
    );
    const hosts = storm.#hosts(agents);
    scope.teardown(() => {
      for (const { host } of hosts) host.end();
      for (const one of [agents, first, ...clients]) one.close();
    });
    await settle(first);
    await Promise.all(hosts.map(({ host, site }) => host.join(site)));
    await sharePools(first);
    const storming = storm.#storm(clients);
    await Promise.race([storm.#crashing(storming), storm.#failed]);
    for (const { host } of hosts) host.settle();
    await storm.#compare(agents);
    for (const { host } of hosts) host.end();
    await storm.#compareStored();
    if (storm.#failure !== null) throw storm.#failure;
    return storm;
  }

  #chance(): Random {
    return new Random(this.#random.below(2 ** 32));
  }

  #hosts(api: Api): { site: string; host: StormHost }[] {
    const all = new Map<string, StormHost>();
    return sites.flatMap(({ id: site }) =>
      hostsOf(site).map((id) => {
        const host = new StormHost(api, id, hostSize, this.#chance(), all, this.#fail);
        all.set(id, host);
        return { site, host };
      }),
    );
  }

  /** Resolves when enough calls have been answered and none is under way. */
  async #storm(clients: StormClient[]): Promise<void> {
    const { callsAtOnce, operations } = this.plan;
    const callers = clients.flatMap((client) =>
      Array.from({ length: callsAtOnce }, () => new Calls(client, this.#chance(), this.books)),
    );
    const call = async (calls: Calls) => {
      while (this.books.answered < operations && this.#failure === null) await calls.next();
    };
    await Promise.all(callers.map((calls) => call(calls).catch(this.#fail)));
  }

  /** Kills the scheduler while it is busy, reads what it has left, and starts it again. */
  async #crashing(storming: Promise<void>): Promise<void> {
    const { operations, crashes } = this.plan;
    const between = operations / (crashes + 1);
    for (let crash = 1; crash <= crashes; crash += 1) {
      const at = Math.floor(between * (crash - 0.4 + 0.8 * this.#random.next()));
      await Promise.race([this.books.reach(at), storming]);
      await this.scheduler.kill();
      this.crashes += 1;
      this.#follow();
      this.plan.progress(this);
      await this.scheduler.start(startDeadlineMs);
    }
    await storming;
  }

  /** Follows the journal from where it was left; what was acknowledged by now must be in it. */
  #follow(): void {
    const db = new Database(join(this.scheduler.dataDir, 'secovia.db'), { readonly: true });
    try {
      const rows = db
        .prepare<[number], { first: number; body: string }>(
          'SELECT first, body FROM journal WHERE last > ? ORDER BY last',
        )
        .iterate(this.decisions);
      for (const { first, body } of rows) {
        if (first !== this.decisions + 1) throw new Error(`${this.decisions} is followed by ${first}`);
        for (const line of body.split('\n')) {
          const changes = this.witness.follow(line);
          for (const deed of deedsOfDecision(this.witness.state, changes)) this.#journalled.add(deed);
          this.decisions += 1;
        }
      }
    } finally {
      db.close();
    }
    const missing = this.books.takeUnproved().filter((deed) => !this.#journalled.all.has(deed));
    if (missing.length > 0) throw new Error(`acknowledged and not in the journal: ${told(missing)}`);
  }

  /** The live scheduler has what was acknowledged. */
  async #compare(api: Api): Promise<void> {
    const { vms } = this.books;
    const list = async () => {
      const found = new Map<string, string>();
      let pageToken = '';
      do {
        const page = await api.call('ListVms', { parent: 'administrations/-', pageSize: 1000, pageToken });
        for (const { uid, name } of page.vms) found.set(uid, name);
        pageToken = page.nextPageToken;
      } while (pageToken !== '');
      return found;
    };
    // Deleted VMs go when their hosts have said so.
    const left = await eventually('deleted VMs are gone', list, ({ size }) => size <= vms.size, 60_000);
    for (const [uid, name] of vms)
      if (left.get(uid) !== name) throw new Error(`VM ${name} was acknowledged and is not there`);
    const followed = () => {
      this.#follow();
      return this.witness.state;
    };
    const compared = () => compareLive(api, followed);
    await eventually('it shows what the journal says', compared, (isDone) => isDone, 60_000);
    const errors = this.scheduler.errors();
    if (errors.length > 0) throw new Error(`the scheduler logged errors: ${JSON.stringify(errors)}`);
  }

  /** The journal has exactly what was acknowledged, and gives the state that the store would be loaded to. */
  async #compareStored(): Promise<void> {
    await this.scheduler.kill();
    this.#follow();
    this.witness.verify();
    const more = this.#journalled.beyond(this.books.acknowledged);
    if (more.length > 0) throw new Error(`in the journal and never acknowledged: ${told(more)}`);
    const store = new SqliteStore(join(this.scheduler.dataDir, 'secovia.db'));
    const { state } = await loadState(store);
    await store.close();
    compareStates(state, this.witness.state);
  }
}

function told(deeds: readonly string[]): string {
  return `${deeds.length} deeds, as ${deeds.slice(0, 5).join('; ')}`;
}
