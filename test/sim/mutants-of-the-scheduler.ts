/** Bugs of what the scheduler does around its decisions that the simulator has to find; `mutants.ts` says what they are. */
import type { Mutant } from './mutation.js';

export const schedulerMutants: readonly Mutant[] = [
  {
    name: 'counts-leases-too-short',
    rule: 'L1',
    bug: 'the scheduler counts less than it has granted',
    file: 'scheduler/fleet/leases.ts',
    from: 'const margin = 1.01;',
    to: 'const margin = 0.8;',
  },
  {
    name: 'stops-without-longer-leases',
    rule: 'L3',
    bug: 'a planned stop grants no longer leases',
    file: 'scheduler/fleet/fleet.ts',
    from: 'this.#grant(session, plannedStopLeaseMs);',
    to: ';',
  },
  {
    name: 'forgets-the-leases-before-it',
    rule: 'L4',
    bug: 'a new leader assumes that no host has a lease',
    file: 'scheduler/fleet/fleet.ts',
    from: 'this.#leases.assume(host.id, Math.max(plannedStopLeaseMs, this.#leaseMs), this.#uptimeMs());',
    to: 'this.#leases.assume(host.id, 1, this.#uptimeMs());',
  },
  {
    name: 'believes-old-journals',
    rule: 'E2',
    bug: 'a scheduler that was restored does not notice it',
    file: 'scheduler/fleet/checkpoints.ts',
    from: 'if (this.#store.hashAt(kept.sequence)?.equals(hash))',
    to: 'if (true)',
  },
  {
    name: 'orders-in-recovery',
    rule: 'E2',
    bug: 'hosts of a site in recovery are told what to hold',
    file: 'scheduler/fleet/session.ts',
    from: 'if (host === undefined || state.federation.recoveringSites.includes(host.site))',
    to: 'if (host === undefined)',
  },
  {
    name: 'follows-the-wall-clock-back',
    rule: 'E3',
    bug: 'time goes back when the wall clock is put back',
    file: 'scheduler/engine.ts',
    from: 'return Math.max(this.#clock(), this.state.lastMs);',
    to: 'return this.#clock();',
  },
  {
    name: 'acks-before-the-disk',
    rule: 'S1',
    bug: 'nobody waits for the disk',
    file: 'scheduler/engine.ts',
    from: 'if (sequence <= this.#head.sequence)\n            callback();',
    to: 'if (sequence > 0)\n            callback();',
  },
  {
    name: 'goes-on-after-a-failed-commit',
    rule: 'S2',
    bug: 'a commit that may not have been written counts as written',
    file: 'scheduler/engine.ts',
    from: `(error) => {
            this.#dead = true;
            this.#onFatal(error);
        });`,
    to: '() => this.#committed(group, { sequence: last, hash: this.#head.hash }, touched));',
  },
  {
    name: 'forgets-answers-in-a-crash',
    rule: 'S3',
    bug: 'the answers of calls are not kept with their decisions',
    file: 'scheduler/engine.ts',
    from: 'this.#open.requests.push(request);',
    to: ';',
  },
  {
    name: 'applies-what-is-not-written',
    rule: 'REPLAY',
    bug: 'the state depends on something that the journal does not have',
    file: 'scheduler/engine.ts',
    from: 'apply(this.state, change, nowMs);',
    to: 'apply(this.state, change, nowMs + 1);',
  },
  {
    name: 'refuses-before-the-disk',
    rule: 'S1',
    bug: 'refusals do not wait for the disk',
    file: 'scheduler/api/methods.ts',
    from: `engine.whenReadable(() => callback(statusOf(refusal)));
                    return;`,
    to: `callback(statusOf(refusal));
                    return;`,
  },
  {
    name: 'reads-before-the-disk',
    rule: 'S1',
    bug: 'reads do not wait for the disk',
    file: 'scheduler/api/methods.ts',
    from: `engine.whenReadable(() => {
                    if (refusal)`,
    to: `(f => f())(() => {
                    if (refusal)`,
  },
  {
    name: 'repeats-before-the-disk',
    rule: 'S1',
    bug: 'an answer that is given again does not wait for the disk',
    file: 'scheduler/api/methods.ts',
    from: 'engine.whenDurable(earlier.sequence, () => {',
    to: '(f => f())(() => {',
  },
  {
    name: 'takes-other-calls-for-repeats',
    rule: 'S3',
    bug: 'a request id stands for a call whatever the call says',
    file: 'scheduler/api/requests.ts',
    from: 'if (known.hash !== hash)',
    to: 'if (false)',
  },
  {
    name: 'assumes-usual-leases',
    rule: 'L4',
    bug: 'a new leader assumes that nobody was granted a longer lease',
    file: 'scheduler/fleet/fleet.ts',
    from: 'Math.max(plannedStopLeaseMs, this.#leaseMs), this.#uptimeMs()',
    to: 'this.#leaseMs, this.#uptimeMs()',
  },
  {
    name: 'renews-in-recovery',
    rule: 'E2',
    bug: 'leases are renewed on sites in recovery',
    file: 'scheduler/fleet/fleet.ts',
    from: `if (this.#isRecovering(host))
            return;
        session.leaseId = id;`,
    to: 'session.leaseId = id;',
  },
  {
    name: 'compares-no-hashes',
    rule: 'E2',
    bug: 'a journal with another past passes for the one that an agent has seen',
    file: 'scheduler/fleet/checkpoints.ts',
    from: 'if (this.#store.hashAt(kept.sequence)?.equals(hash))',
    to: 'if (this.#store.hashAt(kept.sequence))',
  },
  {
    name: 'fences-by-any-controller',
    rule: 'F2',
    bug: 'a host is powered off by a controller that is not its own',
    file: 'scheduler/fleet/fencers.ts',
    from: "controllerGuid === guid ? ''",
    to: "true ? ''",
    late: true,
  },
  {
    name: 'does-not-wait-for-the-watchdog',
    rule: 'F1',
    bug: 'VMs that stop with the lease restart elsewhere when it has ended, before the watchdog has bitten',
    file: 'scheduler/fleet/elsewhere.ts',
    from: 'if (uptimeMs() - lapsedMs < takesMs)',
    to: 'if (false)',
  },
];
