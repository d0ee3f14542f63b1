/**
 * libvirt on a simulated machine: it takes its time, hangs, is restarted, and goes on with what it was told when nobody
 * waits for the answer any more, because the caller has given up or is dead (PROTOCOL O6).
 */
import type { Effect, EffectResult, Fault } from '../../agent/converge/effects.js';
import type { FakeHost } from '../../agent/hypervisor/fake/fake-host.js';
import { type FakeMove, type FakeMoveEnd, isSaidToHaveGone } from '../../agent/hypervisor/fake/fake-move.js';
import { HypervisorError } from '../../agent/hypervisor/hypervisor.js';
import type { Random } from './random.js';
import type { Life, Timeline } from './timeline.js';

type Call = Exclude<Effect, { kind: 'persist' | 'fetchImage' }>;

/** When a caller gives up, and how long libvirt takes: at least, and usually beside that. */
const deadlineMs = 30_000;
const duration: Record<Call['kind'], [number, number]> = {
  inspect: [1, 2],
  volumeExists: [1, 2],
  createVolume: [50, 400],
  growVolume: [10, 50],
  trashVolume: [5, 20],
  removeVolume: [5, 20],
  define: [5, 30],
  addVcpus: [5, 30],
  start: [300, 900],
  shutdown: [5, 20],
  destroy: [20, 200],
  undefine: [5, 20],
  reboot: [5, 20],
  reset: [5, 20],
  record: [3, 10],
  expect: [1, 2],
  leaving: [1, 2],
  migrate: [1000, 4000],
  abortMigration: [5, 20],
};

export interface LibvirtParts {
  timeline: Timeline;
  random: Random;
  host: FakeHost;
  wallMs(): number;
  /** Called when a call changes something, before it does. */
  onCall(call: Call): void;
  /** A domain begins to move to another host; how that ends if the daemon dies that hands it over. */
  onMove(move: FakeMove, peerUri: string, onDeath: FakeMoveEnd): void;
}

export class Libvirt {
  readonly #parts: LibvirtParts;
  /** Of the daemon; over when it is restarted. */
  #life: Life | null = null;
  isHung = false;
  isDiskFull = false;
  /** Of its calls that change something: they end long after their callers have given up. */
  stuckPart = 0;
  /** When the last of the calls that were stuck has come to its end. */
  unstuckAtMs = 0;
  /** What goes on when a hang is over. */
  #held: (() => void)[] = [];
  /** Ends moves that have not begun when the daemon dies; of those that have somebody says how they end. */
  readonly #ends = new Set<() => void>();

  constructor(parts: LibvirtParts) {
    this.#parts = parts;
  }

  get isUp(): boolean {
    return this.#life !== null;
  }

  start(life: Life): void {
    this.#life = life;
    this.isHung = false;
  }

  stop(): void {
    this.#life?.end();
    this.#life = null;
    this.#held = [];
    this.isHung = false;
    for (const end of this.#ends) end();
    this.#ends.clear();
  }

  hang(): void {
    this.isHung = true;
  }

  recover(): void {
    if (!this.isHung) return;
    this.isHung = false;
    for (const work of this.#held.splice(0)) work();
  }

  /** `answered` is told in the agent's life. */
  perform(call: Call, agent: Life, answered: (result: EffectResult) => void): void {
    const { timeline, random } = this.#parts;
    const life = this.#life;
    if (life === null) {
      agent.after(1, () => answered(failure('unavailable', 'libvirtd is not running')));
      return;
    }
    const [least, usual] = duration[call.kind];
    const takesMs = random.delay(least, usual);
    if (call.kind === 'migrate') {
      this.#migrate(call, takesMs, agent, answered);
      return;
    }
    let isAnswered = false;
    const answer = (result: EffectResult) => {
      if (isAnswered || !agent.alive) return;
      isAnswered = true;
      answered(result);
    };
    if (isLook(call)) {
      // What is looked at may have changed by the time in which the answer arrives.
      if (this.isHung) this.#held.push(() => answer(this.#attempt(call)));
      else {
        const result = this.#attempt(call);
        timeline.at(timeline.nowMs + takesMs, agent, () => answer(result));
        return;
      }
    } else if (isFileWork(call)) {
      // The agent's own: it waits for as long as the file system takes, and a process that was killed is not gone, nor its
      // folder free for another, before its last call is over. So it is done in the agent's life or never.
      const result = random.chance(0.5) ? this.#attempt(call) : null;
      agent.after(takesMs + this.#stuckMs(), () => answer(result ?? this.#attempt(call)));
      return;
    } else {
      const isSent = random.chance(0.5);
      const work = () => {
        // Whoever died in the middle of the call may or may not have sent it.
        if (!agent.alive && !isSent) return;
        // Its volume gets its name by the agent, which does not do so when it has given up or is dead.
        if (call.kind === 'createVolume' && (!agent.alive || isAnswered)) return;
        const result = this.#attempt(call);
        timeline.at(timeline.nowMs + takesMs / 2, agent, () => answer(result));
      };
      const stuckMs = this.#stuckMs();
      if (stuckMs > 0) agent.after(deadlineMs, () => answer(failure('timeout', 'no answer in time')));
      timeline.at(timeline.nowMs + stuckMs + takesMs / 2, life, () => {
        if (this.isHung) this.#held.push(work);
        else work();
      });
    }
    if (this.isHung) agent.after(deadlineMs, () => answer(failure('timeout', 'no answer in time')));
    // A daemon that is gone answers nobody; the connection breaks.
    agent.after(deadlineMs + 1000, () => answer(failure('unavailable', brokenConnection)));
  }

  /** By how much a call is late: one that is stuck ends long after its caller has given up, whatever became of the others. */
  #stuckMs(): number {
    const { random, timeline } = this.#parts;
    if (!random.chance(Math.max(0.004, this.stuckPart))) return 0;
    const stuckMs = deadlineMs + random.whole(1000, 60_000);
    this.unstuckAtMs = Math.max(this.unstuckAtMs, timeline.nowMs + stuckMs);
    return stuckMs;
  }

  /** It goes on in the daemon, whatever becomes of the caller, and whoever is at either end may end it before its time. */
  #migrate(
    call: Extract<Call, { kind: 'migrate' }>,
    takesMs: number,
    agent: Life,
    answered: (result: EffectResult) => void,
  ): void {
    const { timeline, random, host, onCall, onMove } = this.#parts;
    const life = this.#life as Life;
    const ends = random.unit();
    const isSent = random.chance(0.5);
    const answer = (result: EffectResult) => agent.after(1, () => answered(result));
    const end = () => answer(failure('unavailable', brokenConnection));
    this.#ends.add(end);
    timeline.at(timeline.nowMs + random.whole(5, 50), life, () => {
      this.#ends.delete(end);
      if (this.isHung || (!agent.alive && !isSent)) {
        answer(failure('failed', 'libvirtd does not answer'));
        return;
      }
      let move: FakeMove;
      try {
        onCall(call);
        move = host.migrate(call.uid, call.peerUri);
      } catch (error) {
        if (!(error instanceof HypervisorError)) throw error;
        answer(failure(error.fault === 'absent' ? 'absent' : 'failed', error.message));
        return;
      }
      onMove(move, call.peerUri, ends > 0.7 ? 'failed and left it paused' : 'failed');
      move.whenOver((how) =>
        answer(isSaidToHaveGone(how) ? { ok: true, value: null } : failure('failed', 'the move has failed')),
      );
      timeline.at(timeline.nowMs + takesMs, life, () => move.end(endBy(ends)));
    });
  }

  #attempt(call: Call): EffectResult {
    try {
      if (!isLook(call)) this.#parts.onCall(call);
      return { ok: true, value: this.#act(call) };
    } catch (error) {
      if (!(error instanceof HypervisorError)) throw error;
      return { ok: false, fault: { kind: error.fault, message: error.message } };
    }
  }

  #act(call: Call) {
    const { host, wallMs } = this.#parts;
    switch (call.kind) {
      case 'inspect':
        return host.inspect(call.uid);
      case 'volumeExists':
        return host.volumeExists(call.volume);
      case 'createVolume':
        if (this.isDiskFull) throw new HypervisorError('noSpace', 'no space left on device');
        host.createVolume(call.request);
        return null;
      case 'growVolume':
        if (this.isDiskFull) throw new HypervisorError('noSpace', 'no space left on device');
        return host.growVolume(call.volume, call.sizeMib);
      case 'trashVolume':
        host.trashVolume(call.volume, wallMs());
        return null;
      case 'removeVolume':
        host.removeVolume(call.volume);
        return null;
      case 'define':
        host.define(call.blueprint);
        return null;
      case 'addVcpus':
        host.addVcpus(call.uid, call.vcpus);
        return null;
      case 'record':
        host.record(call.uid, call.metadata);
        return null;
      case 'expect':
        return host.volumeExists(call.volume);
      case 'leaving':
        return host.leaving(call.uid);
      case 'migrate':
        throw new Error('a move is not carried out in one step');
      default:
        host[call.kind](call.uid);
        return null;
    }
  }
}

/** How a move ends, by a number from 0 to 1: the rare ways in which nobody here knows how it has ended are as often as the worst of days has them. */
function endBy(chance: number): FakeMoveEnd {
  if (chance < 0.15) return 'failed';
  if (chance < 0.2) return 'arrived and left a domain';
  if (chance < 0.25) return 'arrived and left it paused';
  return 'arrived';
}

const brokenConnection = 'the connection to libvirtd broke';

const looks: readonly Call['kind'][] = ['inspect', 'volumeExists', 'expect', 'leaving'];
const isLook = ({ kind }: Call): boolean => looks.includes(kind);

/** What the agent does with the file system alone. */
const isFileWork = ({ kind }: Call): boolean => kind === 'trashVolume' || kind === 'removeVolume';

function failure(kind: Fault['kind'], message: string): EffectResult {
  return { ok: false, fault: { kind, message } };
}
