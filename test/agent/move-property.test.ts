/**
 * Moves back and forth between two hosts, in whatever order things happen: agents die between any two effects, hand-overs
 * hang, fail and arrive, the scheduler changes its mind. There are never two running copies, and in the end there is one.
 */
import fc from 'fast-check';
import t from 'tap';
import type { VmDesired } from '../../agent/converge/desired.js';
import { FakeNetwork } from '../../agent/hypervisor/fake/fake-network.js';
import { uidOf, wanted, World } from './world.js';

const uid = uidOf(1);
const poolPath = '/pools/a';
const uris = ['qemu+tls://h1.dc/system', 'qemu+tls://h2.dc/system'] as const;
type Side = 0 | 1;

/** As honest as the real one: terms are used once, and ownership follows from what both hosts say. */
class Scheduler {
  owner: Side = 0;
  term = 1;
  #newestTerm = 1;
  #generation = 1;
  #stage: 'idle' | 'offered' | 'sent' | 'calledOff' | 'clearing' = 'idle';
  #told = 0;
  readonly #words: VmDesired[] = [];

  constructor(readonly worlds: readonly [World, World]) {
    this.#tell(0, { role: 'run', term: 1 });
  }

  get isIdle(): boolean {
    return this.#stage === 'idle';
  }

  get #peer(): Side {
    return this.owner === 0 ? 1 : 0;
  }

  #tell(side: Side, change: Partial<VmDesired>): void {
    const generation = ++this.#generation;
    const word = wanted({ storagePoolPath: poolPath, diskExists: true, ...change, generation });
    this.#words[side] = word;
    this.worlds[side].desired(word);
    this.#told = generation;
  }

  /** After every Welcome. */
  repeat(side: Side): void {
    const word = this.#words[side];
    if (word !== undefined) this.worlds[side].desired(word);
  }

  move(): void {
    if (this.#stage !== 'idle' || this.#saysOf(this.owner)?.state !== 'running') return;
    this.#stage = 'offered';
    this.#newestTerm += 1;
    this.#tell(this.#peer, { role: 'receive', term: this.#newestTerm, peer: `hosts/h${this.owner + 1}` });
  }

  callOff(): void {
    if (this.#stage !== 'sent') return;
    this.#stage = 'calledOff';
    this.#tell(this.owner, { role: 'run', term: this.term });
  }

  /** Reads what was said, and goes on. */
  react(): void {
    const source = this.#saysOf(this.owner);
    const target = this.#saysOf(this.#peer);
    const isThere = target?.state === 'running' && target.term === this.#newestTerm;
    if (this.#stage === 'offered' && target?.state === 'awaited' && target.generation === this.#told) {
      this.#stage = 'sent';
      const peer = { peer: `hosts/h${this.#peer + 1}`, peerUri: uris[this.#peer] };
      this.#tell(this.owner, { role: 'send', term: this.term, ...peer });
    } else if (this.#stage === 'sent' || this.#stage === 'calledOff' || this.#stage === 'clearing') {
      const isGone = source?.state === 'absent' || source?.state === 'missing';
      const isHere = source?.state === 'running' && source.term === this.term;
      const failed = isHere && source.error !== null && source.toldGeneration === this.#told;
      const stays = this.#stage === 'sent' ? failed : isHere && source.generation === this.#told;
      if (isGone && isThere) this.#settle(this.#peer, this.#newestTerm);
      else if (this.#stage === 'clearing') return;
      else if (source?.state === 'paused' && isThere) {
        this.#stage = 'clearing';
        this.#tell(this.owner, { role: 'released', term: this.term });
      } else if (stays) {
        this.#tell(this.#peer, { role: 'released', term: this.#newestTerm });
        this.#settle(this.owner, this.term);
      }
    }
  }

  #settle(owner: Side, term: number): void {
    this.#stage = 'idle';
    this.owner = owner;
    this.term = term;
    this.#tell(owner, { role: 'run', term });
  }

  #saysOf(side: Side) {
    return this.worlds[side].observations.get(uid);
  }
}

const side = fc.constantFrom<Side>(0, 1);
const happening = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('perform' as const), side, lose: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('settle' as const), side }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('crash' as const), side }) },
  { weight: 3, arbitrary: fc.constant({ kind: 'move' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'callOff' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      side,
      how: fc.constantFrom(
        'arrived',
        'arrived',
        'failed',
        'arrived and left a domain',
        'arrived and left it paused',
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('forgets why' as const), side }) },
);

t.test('a guest runs once, whatever happens to its moves', async (t) => {
  let done = 0;
  fc.assert(
    fc.property(fc.array(happening, { minLength: 10, maxLength: 80 }), (events) => {
      const network = new FakeNetwork();
      const worlds = [new World(), new World()] as const;
      for (const [index, { host }] of worlds.entries()) {
        network.join(uris[index as Side], host);
        host.slowMoves = true;
        host.createVolume({ uid, poolPath, sizeMib: 1024, backing: { path: '/i', format: 'qcow2' } });
      }
      const runs = (world: World) => world.host.inspect(uid)?.power.kind === 'running';
      const scheduler = new Scheduler(worlds);
      worlds[0].settle();
      for (const event of events) {
        if (event.kind === 'move') scheduler.move();
        else if (event.kind === 'callOff') scheduler.callOff();
        else {
          const world = worlds[event.side];
          const off = world.host.inspect(uid)?.power;
          if (event.kind === 'perform') {
            const { restarts } = world;
            world.perform(0, event.lose);
            if (world.restarts > restarts) scheduler.repeat(event.side);
          } else if (event.kind === 'settle') world.settle(2_000);
          else if (event.kind === 'end') world.endMove(uid, event.how);
          else if (event.kind === 'crash') {
            world.crash();
            scheduler.repeat(event.side);
          } else if (off?.kind === 'off') world.host.powerOff(uid, 'unknown');
        }
        scheduler.react();
        if (runs(worlds[0]) && runs(worlds[1])) throw new Error('it runs twice');
      }
      // Quiet: what goes on arrives, and everybody hears everything.
      for (let round = 0; round < 10; round++) {
        for (const world of worlds) {
          world.settle(10_000);
          world.endMove(uid, 'arrived');
        }
        scheduler.react();
        if (runs(worlds[0]) && runs(worlds[1])) throw new Error('it runs twice');
      }
      const problems = worlds.flatMap(({ violations }) => violations);
      const starts = worlds.flatMap(({ attempts }) => attempts).filter((attempt) => /^start/.test(attempt));
      if (starts.length !== 1) problems.push(`it was started ${starts.length} times`);
      if (!scheduler.isIdle) problems.push('the move has no end');
      const owner = worlds[scheduler.owner];
      if (!runs(owner)) problems.push('it does not run where it should');
      if (owner.observations.get(uid)?.state !== 'running') problems.push('its host does not say so');
      if (scheduler.term > 1) done += 1;
      if (problems.length > 0) throw new Error(problems.join('; '));
    }),
    { numRuns: 2_000 },
  );
  t.ok(done > 200, `${done} of 2,000 histories had a move that succeeded`);
});
