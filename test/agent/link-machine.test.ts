import t from 'tap';
import type { LinkRequest } from '../../proto/gen/secovia/v1/LinkRequest.js';
import type { LinkResponse, LinkResponse__Output } from '../../proto/gen/secovia/v1/LinkResponse.js';
import { messageCodec } from '../../proto/index.js';
import type { Epoch } from '../../agent/converge/epoch.js';
import type { VmObservation } from '../../agent/converge/observation.js';
import { LinkMachine, type LinkOutput } from '../../agent/link/link-machine.js';
import { uidOf } from './world.js';

const codec = messageCodec<LinkResponse, LinkResponse__Output>('secovia.v1.LinkResponse');
/** A message as it comes off the wire, with every default filled in. */
const wire = (response: LinkResponse): LinkResponse__Output => codec.deserialize(codec.serialize(response));

const epoch: Epoch = { incarnation: 1, counter: 5, instance: 'one' };
const welcome = wire({
  welcome: { epoch, leaseMs: 15_000, leaseIntervalMs: 5_000, reportIntervalMs: 10_000, protocolVersion: 1 },
});

function observation(number: number, change: Partial<VmObservation> = {}): VmObservation {
  const rest = { rebootCount: 0, error: null, progress: '', toldGeneration: 1, sinceWallMs: 1 };
  return { uid: uidOf(number), term: 1, generation: 1, state: 'running', ...rest, ...change };
}

class Play {
  now = 1_000;
  highest: Epoch | null = null;
  random = 0.5;
  readonly machine = new LinkMachine({ highestEpoch: () => this.highest, random: () => this.random });
  outputs: LinkOutput[] = [];

  /** Runs what follows from the last call, as the core does. */
  settle(): LinkOutput[] {
    const fresh: LinkOutput[] = [];
    for (;;) {
      const outputs = this.machine.takeOutputs();
      if (outputs.length === 0) break;
      for (const output of outputs) {
        if (output.kind === 'epoch') this.highest = output.epoch;
        if (output.kind === 'hello') this.machine.greet({ hello: {} }, []);
        fresh.push(output);
      }
    }
    this.outputs.push(...fresh);
    return fresh;
  }

  receive(response: LinkResponse__Output): LinkOutput[] {
    this.machine.received(response, this.now);
    return this.settle();
  }

  /** Lets time pass to the next thing that is due. */
  wake(): LinkOutput[] {
    const at = this.machine.nextWakeAt();
    if (at !== null) this.now = Math.max(this.now, at);
    this.machine.tick(this.now);
    return this.settle();
  }

  link(): this {
    this.machine.start(this.now);
    this.settle();
    this.machine.opened(this.now);
    this.settle();
    this.receive(welcome);
    return this;
  }
}

const kinds = (outputs: LinkOutput[]): string[] => outputs.map(({ kind }) => kind);
const sent = (outputs: LinkOutput[]): LinkRequest[] =>
  outputs.flatMap((output) => (output.kind === 'send' ? [output.request] : []));

t.test('hello first, then welcome, then a lease is asked for at once', async (t) => {
  const play = new Play();
  play.machine.start(play.now);
  t.same(kinds(play.settle()), ['connect']);
  play.machine.opened(play.now);
  t.same(kinds(play.settle()), ['hello', 'send']);
  t.equal(play.machine.status().state, 'greeting');
  const outputs = play.receive(welcome);
  t.same(kinds(outputs), ['epoch', 'linked', 'send']);
  t.match(sent(outputs), [{ leaseRequest: { id: 1 } }]);
  t.equal(play.machine.status().state, 'linked');
});

t.test('L1: a lease counts from when it was asked for', async (t) => {
  const play = new Play().link();
  play.now += 4_000;
  play.receive(wire({ leaseGrant: { id: 1, leaseMs: 15_000, epoch } }));
  t.equal(play.machine.status().leaseExpiresAt, 1_000 + 15_000, 'however late the grant');
  play.receive(wire({ leaseGrant: { id: 99, leaseMs: 60_000, epoch } }));
  t.equal(play.machine.status().leaseExpiresAt, 16_000, 'what was not asked for is not granted');
  play.receive(wire({ leaseGrant: { id: 1, leaseMs: 60_000, epoch } }));
  t.equal(play.machine.status().leaseExpiresAt, 61_000, 'L3: a planned stop grants the same one for longer');
  t.match(sent(play.wake()), [{ leaseRequest: { id: 2, heldMs: 55_000 } }], 'and what it holds is said');
  play.receive(wire({ leaseGrant: { id: 2, leaseMs: 15_000, epoch } }));
  t.equal(play.machine.status().leaseExpiresAt, 21_000, 'the newest word counts');
  play.receive(wire({ leaseGrant: { id: 1, leaseMs: 60_000, epoch } }));
  t.equal(play.machine.status().leaseExpiresAt, 21_000, 'and none that is older');
});

t.test('an order to fence is a word like any other, and its answer waits for a stream', async (t) => {
  const play = new Play().link();
  const order = (offered: Epoch) =>
    wire({ fenceOrder: { id: uidOf(1), host: 'hosts/h2', epoch: offered, controllerGuid: 'x' } });
  t.match(play.receive(order(epoch)), [{ kind: 'fenceOrder', order: { id: uidOf(1), host: 'hosts/h2' } }]);
  for (const offered of [
    { ...epoch, counter: 4 },
    { ...epoch, instance: 'two' },
  ]) {
    t.same(kinds(play.receive(order(offered))), ['problem'], 'E1');
  }
  play.machine.ended('gone', play.now);
  play.machine.answerFence({ id: uidOf(1), outcome: 'FENCE_OUTCOME_OFF' });
  t.same(sent(play.settle()), []);
  t.equal(play.machine.status().waiting, 1);
  play.wake();
  play.machine.opened(play.now);
  play.settle();
  const fenceResult = { id: uidOf(1), outcome: 'FENCE_OUTCOME_OFF' as const };
  t.match(sent(play.receive(welcome)), [{ leaseRequest: {} }, { fenceResult }]);
  t.equal(play.machine.status().waiting, 0);
});

t.test('leases are asked for at their interval, reports sent at theirs', async (t) => {
  const play = new Play().link();
  const leases: number[] = [];
  const reports: number[] = [];
  while (play.now < 21_000) {
    const outputs = play.wake();
    if (sent(outputs).some((request) => request.leaseRequest)) leases.push(play.now);
    if (outputs.some(({ kind }) => kind === 'reportDue')) reports.push(play.now);
    play.receive(wire({ leaseGrant: { id: leases.length + 1, leaseMs: 15_000, epoch } }));
  }
  t.same(leases, [6_000, 11_000, 16_000, 21_000]);
  t.same(reports, [11_000, 21_000]);
});

t.test('E1: who may be obeyed', async (t) => {
  const cases: { name: string; offered: Epoch; obeyed: boolean }[] = [
    { name: 'the same', offered: epoch, obeyed: true },
    { name: 'a newer counter', offered: { ...epoch, counter: 6, instance: 'two' }, obeyed: true },
    { name: 'a newer incarnation', offered: { incarnation: 2, counter: 1, instance: 'two' }, obeyed: true },
    { name: 'an older counter', offered: { ...epoch, counter: 4 }, obeyed: false },
    { name: 'an older incarnation', offered: { incarnation: 0, counter: 99, instance: 'x' }, obeyed: false },
    { name: 'the same numbers from another', offered: { ...epoch, instance: 'two' }, obeyed: false },
    { name: 'no instance', offered: { ...epoch, instance: '' }, obeyed: false },
  ];
  for (const { name, offered, obeyed } of cases) {
    const play = new Play().link();
    const outputs = play.receive(wire({ desired: { uid: uidOf(1), epoch: offered } }));
    t.equal(kinds(outputs).includes('desired'), obeyed, `a word of ${name}`);
    t.equal(kinds(outputs).includes('problem'), !obeyed);

    const again = new Play();
    again.highest = epoch;
    again.machine.start(again.now);
    again.machine.opened(again.now);
    again.settle();
    const greeting = again.receive(wire({ welcome: { ...welcome.welcome, epoch: offered } }));
    t.equal(kinds(greeting).includes('linked'), obeyed, `a welcome of ${name}`);
    t.equal(kinds(greeting).includes('disconnect'), !obeyed);

    const leased = new Play().link();
    leased.receive(wire({ leaseGrant: { id: 1, leaseMs: 15_000, epoch: offered } }));
    t.equal(leased.machine.status().leaseExpiresAt !== null, obeyed, `a lease of ${name}`);
  }
  const play = new Play().link();
  t.same(kinds(play.receive(wire({ desired: { uid: uidOf(1) } }))), ['problem'], 'no epoch at all');
});

t.test('nothing is obeyed before Welcome, and versions must be near', async (t) => {
  for (const early of [{ desired: { uid: uidOf(1), epoch } }, { leaseGrant: { id: 1, epoch } }]) {
    const play = new Play();
    play.machine.start(play.now);
    play.machine.opened(play.now);
    play.settle();
    t.same(kinds(play.receive(wire(early))), ['disconnect']);
  }
  for (const [version, linked] of [
    [0, false],
    [1, true],
    [2, true],
    [3, true],
    [4, false],
  ] as const) {
    const play = new Play();
    play.machine.start(play.now);
    play.machine.opened(play.now);
    play.settle();
    const outputs = play.receive(wire({ welcome: { ...welcome.welcome, protocolVersion: version } }));
    t.equal(kinds(outputs).includes('linked'), linked, `version ${version}`);
  }
});

t.test('the first try again is quick, then pauses grow to half a minute, with jitter', async (t) => {
  const pauses = (random: number): number[] => {
    const play = new Play();
    play.random = random;
    play.machine.start(play.now);
    play.settle();
    return Array.from({ length: 10 }, () => {
      play.machine.ended('refused', play.now);
      const pause = (play.machine.nextWakeAt() ?? 0) - play.now;
      play.wake();
      return pause;
    });
  };
  t.same(pauses(0), [0, 250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
  const longest = pauses(0.999_999).map(Math.ceil);
  t.same(longest, [200, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
});

t.test('a link that held is tried again quickly; one that only flickers is not', async (t) => {
  const play = new Play().link();
  play.now += 60_000;
  play.machine.ended('gone', play.now);
  t.ok((play.machine.nextWakeAt() ?? 0) - play.now <= 200);
  const flicker = new Play().link();
  for (let times = 0; times < 6; times++) {
    flicker.machine.ended('gone', flicker.now);
    flicker.wake();
    flicker.machine.opened(flicker.now);
    flicker.settle();
    flicker.receive(welcome);
  }
  flicker.machine.ended('gone', flicker.now);
  t.ok((flicker.machine.nextWakeAt() ?? 0) - flicker.now >= 4_000);
});

t.test('a scheduler that accepts and says nothing is left', async (t) => {
  const connecting = new Play();
  connecting.machine.start(connecting.now);
  connecting.settle();
  t.same(kinds(connecting.wake()), ['disconnect'], 'no stream');
  const greeting = new Play();
  greeting.machine.start(greeting.now);
  greeting.machine.opened(greeting.now);
  greeting.settle();
  t.same(kinds(greeting.wake()), ['disconnect'], 'no welcome');
  const linked = new Play().link();
  const outputs: LinkOutput[] = [];
  while (linked.machine.status().state === 'linked' && linked.now < 100_000) outputs.push(...linked.wake());
  t.ok(kinds(outputs).includes('unlinked'));
  t.equal(linked.now, 16_000, 'no word for 15 s');
  t.equal(linked.machine.status().state, 'waiting');
});

t.test('a scheduler that renews no lease is one that is there, and the lease ends as it would', async (t) => {
  const play = new Play().link();
  play.receive(wire({ leaseGrant: { id: 1, leaseMs: 15_000, epoch } }));
  const endsAt = play.machine.status().leaseExpiresAt;
  for (let id = 2; play.now < 60_000; play.now += 5_000, id += 1)
    play.receive(wire({ leaseWithheld: { id } }));
  t.match(play.machine.status(), { state: 'linked', leaseExpiresAt: endsAt });
});

t.test('rejected: for good slowly, for now soon', async (t) => {
  const play = new Play().link();
  const rejected = { reason: 'HOST_RETIRED', message: 'it is over', retryable: false };
  const outputs = play.receive(wire({ rejected }));
  t.same(kinds(outputs), ['problem', 'disconnect', 'unlinked']);
  t.match(play.machine.status(), { state: 'rejected', reason: 'HOST_RETIRED: it is over' });
  t.equal((play.machine.nextWakeAt() ?? 0) - play.now, 60_000);
  t.same(kinds(play.wake()), ['connect']);
  const soon = new Play().link();
  soon.receive(wire({ rejected: { ...rejected, retryable: true } }));
  t.ok((soon.machine.nextWakeAt() ?? 0) - soon.now < 1_000);
});

t.test('refused by the wire: for good slowly, and at once when there is something new to show', async (t) => {
  const play = new Play().link();
  play.machine.ended('the scheduler answers UNAUTHENTICATED: \u001b[2Jrevoked', play.now, true);
  t.same(kinds(play.settle()), ['problem', 'unlinked']);
  const status = play.machine.status();
  t.match(status, { state: 'rejected', reason: 'the scheduler answers UNAUTHENTICATED:  [2Jrevoked' });
  t.equal((play.machine.nextWakeAt() ?? 0) - play.now, 60_000);
  play.machine.tryAgain(play.now);
  t.same(kinds(play.settle()), ['connect']);
  play.machine.tryAgain(play.now);
  t.same(kinds(play.settle()), [], 'once');
});

t.test('S4: repeats are shed, facts are not, and memory is bounded by the number of VMs', async (t) => {
  const play = new Play().link();
  play.machine.observe(observation(1));
  t.equal(sent(play.settle()).length, 1);
  play.machine.observe(observation(1, { sinceWallMs: 99 }));
  t.equal(sent(play.settle()).length, 0, 'the same again, only later');
  play.machine.congested();
  for (let round = 0; round < 1_000; round++) {
    for (let number = 1; number <= 10; number++) {
      play.machine.observe(observation(number, { generation: round + 2 }));
    }
    play.machine.report({ cpuPercent: round % 100, inventory: round === 5 ? { hostname: 'h' } : null });
  }
  t.equal(play.machine.status().waiting, 11, 'ten VMs and a report');
  t.equal(play.settle().length, 0);
  play.machine.writable();
  const messages = sent(play.settle());
  t.equal(messages.length, 11);
  t.ok(
    messages.slice(0, 10).every((message) => message.observation?.generation === 1_001),
    'the newest of each',
  );
  t.match(
    messages[10],
    { report: { cpuPercent: 99, inventory: { hostname: 'h' } } },
    'and no inventory lost',
  );
  play.machine.observe(observation(1, { state: 'crashed', generation: 1_001 }));
  play.machine.congested();
  play.machine.observe(observation(2, { state: 'crashed', generation: 1_001 }));
  play.machine.observe(observation(2, { generation: 1_001 }));
  t.equal(sent(play.settle()).length, 1, 'what came back to what the scheduler knows is not sent');
  t.equal(play.machine.status().waiting, 0);
});

t.test(
  'a fact that the scheduler has forgotten is sent again, also when it waits behind others',
  async (t) => {
    const play = new Play().link();
    play.machine.observe(observation(1));
    t.equal(sent(play.settle()).length, 1);
    play.machine.observe(observation(1), true);
    t.equal(sent(play.settle()).length, 1);
    play.machine.congested();
    play.machine.observe(observation(1), true);
    play.machine.observe(observation(1));
    play.machine.writable();
    t.equal(sent(play.settle()).length, 1);
  },
);

t.test('what Hello said is not said again; what happened since is', async (t) => {
  const play = new Play();
  play.machine.start(play.now);
  play.settle();
  play.machine.opened(play.now);
  play.machine.takeOutputs();
  play.machine.greet({ hello: {} }, [observation(1), observation(2)]);
  play.machine.observe(observation(1));
  play.machine.observe(observation(2, { state: 'crashed' }));
  t.equal(sent(play.settle()).length, 1, 'only Hello before Welcome');
  const messages = sent(play.receive(welcome)).filter((request) => request.observation);
  t.match(messages, [{ observation: { uid: uidOf(2), state: 'DOMAIN_STATE_CRASHED' } }]);
  t.equal(messages.length, 1);
});

t.test('goodbye', async (t) => {
  const play = new Play().link();
  play.machine.leave('stopping', play.now);
  t.same(kinds(play.settle()), ['send', 'disconnect', 'unlinked']);
  t.equal(play.machine.nextWakeAt(), null);
  play.machine.tick(play.now + 1e9);
  t.same(play.settle(), [], 'and stays away');
});
