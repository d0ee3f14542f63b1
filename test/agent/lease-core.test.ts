/**
 * The agent's core and its lease (PROTOCOL.md L2), message by message: when it asks for the watchdog, what it says of it, and after
 * which streams it waits for the scheduler's word about what stops with the lease.
 */
import t from 'tap';
import { Ledger, type LedgerContent } from '../../agent/converge/ledger.js';
import { AgentCore, type CoreOptions, type CoreOutput } from '../../agent/core.js';
import type { HeldLease } from '../../agent/watchdog/guard.js';
import type { LinkRequest } from '../../proto/gen/secovia/v1/LinkRequest.js';
import type { LinkResponse, LinkResponse__Output } from '../../proto/gen/secovia/v1/LinkResponse.js';
import { messageCodec } from '../../proto/index.js';
import { uidOf, wanted } from './world.js';

const uid = uidOf(1);
const epoch = { incarnation: 1, counter: 1, instance: 'one' };
const codec = messageCodec<LinkResponse, LinkResponse__Output>('secovia.v1.LinkResponse');
const mobile = wanted({ stopsOnLeaseLoss: true, restartsElsewhere: true });

/** A VM that ran here, and of which the scheduler spoke in this boot. */
const running: LedgerContent = {
  epoch,
  checkpoint: null,
  permits: [
    {
      uid,
      term: 1,
      phase: 'defined',
      desired: mobile,
      disk: 'made',
      hadDisk: false,
      error: null,
      goneWallMs: null,
      acknowledged: false,
      confirmedBootId: 'boot',
      handover: null,
      reached: null,
    },
  ],
};

class Agent {
  readonly ledger: Ledger;
  readonly core: AgentCore;
  readonly outputs: CoreOutput[] = [];
  bootMs = 100_000;

  constructor(
    heldLease: HeldLease | null,
    watchdogTimeoutS: number | null = 20,
    content = running,
    inheritsWatchdog = false,
  ) {
    this.ledger = new Ledger('boot', structuredClone(content));
    const options: CoreOptions = {
      identity: { host: 'h1', machineId: '', bootId: 'boot', instance: '' },
      ledger: this.ledger,
      random: () => 0,
      poolDirectories: [],
      fencing: {},
      verifyCheckpoint: () => false,
      watchdogTimeoutS,
      heldLease,
      inheritsWatchdog,
    };
    this.core = new AgentCore(options, this.now);
    this.collect();
  }

  get now() {
    return { bootMs: this.bootMs, wallMs: this.bootMs };
  }

  collect(): void {
    this.outputs.push(...this.core.takeOutputs());
  }

  hear(response: LinkResponse): void {
    this.core.received(codec.deserialize(codec.serialize(response)), this.now);
    this.collect();
  }

  connect(): void {
    this.core.startLink(this.now);
    this.core.opened(this.now);
    this.collect();
    const intervals = { leaseMs: 10_000, leaseIntervalMs: 3000, reportIntervalMs: 30_000 };
    this.hear({ welcome: { epoch, protocolVersion: 1, ...intervals } });
  }

  /** The newest request for a lease is granted. */
  granted(): void {
    const [request] = this.sent('leaseRequest').slice(-1);
    this.hear({ leaseGrant: { id: request?.id ?? 0, leaseMs: 10_000, epoch } });
  }

  wait(ms: number): void {
    this.bootMs += ms;
    this.core.tick(this.now);
    this.collect();
  }

  sent<K extends keyof LinkRequest>(kind: K): NonNullable<LinkRequest[K]>[] {
    return this.outputs.flatMap((output) => {
      const message = output.kind === 'send' ? output.request[kind] : null;
      return message == null ? [] : [message as NonNullable<LinkRequest[K]>];
    });
  }

  of<K extends CoreOutput['kind']>(kind: K) {
    return this.outputs.filter((output) => output.kind === kind) as Extract<CoreOutput, { kind: K }>[];
  }

  get isConfirmed(): boolean {
    const permit = this.ledger.permit(uid);
    return permit !== undefined && this.ledger.isConfirmed(permit);
  }
}

t.test(
  'a process that begins within the lease of the one before arms at once, and takes its word on',
  async (t) => {
    const agent = new Agent({ endsAt: 105_000, watchdogS: 20 });
    t.same(agent.of('armWatchdog'), [{ kind: 'armWatchdog', timeoutS: 20, leaseEndsAt: 105_000 }]);
    t.equal(agent.core.converger.leaseStanding, 'unguarded');
    agent.core.watchdogArmed(agent.now);
    agent.collect();
    t.equal(agent.core.converger.leaseStanding, 'held');
    agent.connect();
    t.ok(agent.isConfirmed);
    t.match(agent.sent('hello')[0]?.report, { watchdog: { armed: true, timeoutSeconds: 20 } });
  },
);

t.test('one that begins after it does not arm, and the scheduler must speak again', async (t) => {
  for (const held of [{ endsAt: 60_000, watchdogS: 20 }, null]) {
    const agent = new Agent(held);
    t.same(agent.of('armWatchdog'), []);
    t.equal(agent.core.converger.leaseStanding, 'ended');
    t.notOk(agent.isConfirmed);
    agent.connect();
    t.match(agent.sent('hello')[0]?.report, { watchdog: { armed: false } });
  }
});

t.test(
  'a grant is told to whoever pets the watchdog and to the next process, and makes the lease',
  async (t) => {
    const agent = new Agent(null);
    agent.connect();
    agent.bootMs += 2000;
    agent.granted();
    t.same(
      agent.of('lease'),
      [{ kind: 'lease', held: { endsAt: 110_000, watchdogS: 20 } }],
      'from when it asked',
    );
    t.same(agent.of('armWatchdog'), [{ kind: 'armWatchdog', timeoutS: 20, leaseEndsAt: 110_000 }]);
    agent.hear({ leaseGrant: { id: 4711, leaseMs: 60_000, epoch } });
    t.equal(agent.of('lease').length, 1, 'one that answers nothing is none');
  },
);

t.test(
  'it wakes when the lease ends, and says nothing of itself then is confirmed on the next stream',
  async (t) => {
    const agent = new Agent({ endsAt: 105_000, watchdogS: 20 });
    agent.core.watchdogArmed(agent.now);
    agent.connect();
    t.ok((agent.core.nextWakeAt() ?? 0) <= 105_000);
    agent.wait(5000);
    t.equal(agent.core.converger.leaseStanding, 'ended');
    t.ok(agent.isConfirmed, 'on this stream the scheduler has not let go of it');
    agent.core.ended('the wire broke', agent.now);
    agent.wait(1000);
    agent.core.opened(agent.now);
    agent.collect();
    agent.hear({
      welcome: {
        epoch,
        protocolVersion: 1,
        leaseMs: 10_000,
        leaseIntervalMs: 3000,
        reportIntervalMs: 30_000,
      },
    });
    t.equal(agent.core.linkStatus().state, 'linked');
    t.notOk(agent.isConfirmed, 'on the next one it may have');
  },
);

t.test('a stream that begins within the lease changes nothing', async (t) => {
  const agent = new Agent({ endsAt: 160_000, watchdogS: 20 });
  agent.connect();
  t.ok(agent.isConfirmed);
});

t.test('a watchdog that cannot be armed is said, and that of a host without one is not', async (t) => {
  const agent = new Agent({ endsAt: 160_000, watchdogS: 20 });
  agent.core.watchdogFailed('/dev/watchdog0 cannot be opened: Device or resource busy', agent.now);
  agent.connect();
  t.match(agent.sent('hello')[0]?.report, { watchdog: { armed: false, problem: /busy/ } });
  t.match(agent.of('trouble')[0]?.message, /the watchdog cannot be armed: .*busy/);
  const without = new Agent(null, null);
  without.connect();
  t.equal(without.sent('hello')[0]?.report?.watchdog, null);
});

t.test(
  'a watchdog that an earlier process armed for a VM that was not defined yet is taken back once that is seen',
  async (t) => {
    const permits = running.permits.map((permit) => ({ ...permit, phase: 'preparing' as const }));
    const agent = new Agent({ endsAt: 95_000, watchdogS: 20 }, 20, { ...running, permits });
    t.equal(agent.of('armWatchdog').length, 1, 'whatever runs is guarded meanwhile');
    agent.core.watchdogArmed(agent.now);
    agent.core.hypervisorEvent({ kind: 'available' }, agent.now);
    agent.collect();
    t.same(agent.of('releaseWatchdog'), []);
    const [look] = agent.of('perform').slice(-1);
    t.equal(look?.effect.kind, 'inspect');
    agent.core.performed(look?.ticket ?? 0, { ok: true, value: null }, agent.now);
    agent.collect();
    t.equal(agent.of('releaseWatchdog').length, 1);
  },
);

t.test('an agent that leaves takes the watchdog back when nothing runs that needs it', async (t) => {
  const agent = new Agent(null, 20, { ...running, permits: [] });
  agent.core.listed([], agent.now);
  agent.connect();
  agent.granted();
  agent.core.converger.desired(mobile, agent.now);
  agent.collect();
  t.equal(agent.of('armWatchdog').length, 1);
  agent.core.watchdogArmed(agent.now);
  agent.core.leave('it is stopped', agent.now);
  agent.collect();
  t.equal(agent.of('releaseWatchdog').length, 1);
  agent.collect();
  t.equal(agent.of('armWatchdog').length, 1, 'and does not arm it again');

  const busy = new Agent({ endsAt: 105_000, watchdogS: 20 });
  busy.core.watchdogArmed(busy.now);
  busy.core.leave('it is stopped', busy.now);
  busy.collect();
  t.same(busy.of('releaseWatchdog'), [], 'what may run stays guarded');
});

t.test(
  'a process that has lost the file of the one before pets its watchdog on, and lets go only when it knows what is here',
  async (t) => {
    const lost = { ...running, permits: [] };
    const bereft = () => {
      const agent = new Agent({ endsAt: 105_000, watchdogS: 20 }, 20, lost, true);
      t.same(agent.of('armWatchdog'), [], 'nobody has looked yet');
      const power = { kind: 'running' } as const;
      agent.core.listed([{ uid, name: 'vm', power, ours: true }], agent.now);
      agent.collect();
      t.match(agent.of('armWatchdog'), [{ leaseEndsAt: 105_000 }]);
      agent.core.watchdogArmed(agent.now);
      return agent;
    };
    const orphaned = bereft();
    orphaned.connect();
    t.same(orphaned.of('releaseWatchdog'), [], 'the scheduler has not spoken');
    orphaned.hear({ desiredSynced: { epoch } });
    t.equal(orphaned.of('releaseWatchdog').length, 1, 'nobody knows it');

    const told = bereft();
    told.connect();
    told.core.converger.desired(mobile, told.now);
    told.wait(10_000);
    told.hear({ desiredSynced: { epoch } });
    t.same(told.of('releaseWatchdog'), [], 'it may run, and the lease has ended: nobody could stop it yet');
  },
);

t.test('a VM that was deleted, or refused, needs no watchdog when the agent is started again', async (t) => {
  for (const phase of ['gone', 'refused'] as const) {
    const permits = running.permits.map((permit) => ({ ...permit, phase }));
    const agent = new Agent({ endsAt: 60_000, watchdogS: 20 }, 20, { ...running, permits });
    t.same(agent.core.converger.guardNeeds(), { wanted: false, needed: false, unknown: false }, phase);
  }
});
