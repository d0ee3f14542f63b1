/** Bugs of the agent that the simulator has to find; `mutants.ts` says what they are. */
import type { Mutant } from './mutation.js';

export const agentMutants: readonly Mutant[] = [
  {
    name: 'tidies-up-foreign-domains',
    rule: 'O1',
    bug: 'the agent switches domains off that are not ours',
    file: 'agent/converge/converger.ts',
    from: 'this.#foreignDomains = unknown.filter((domain) => !domain.ours).length;',
    to: `this.#foreignDomains = unknown.filter((domain) => !domain.ours).length;
      for (const { uid, ours } of unknown)
        if (!ours) this.#outputs.push({ kind: 'perform', ticket: ++this.#lastTicket, uid, effect: { kind: 'destroy', uid } });`,
    seed: 2,
  },
  {
    name: 'defines-before-the-permit',
    rule: 'O2',
    bug: 'the agent defines a domain before its file says so',
    file: 'agent/converge/steps.ts',
    from: "ledger.advance(uid, { phase: 'defining' });\n    yield* persisted(ledger);",
    to: "ledger.advance(uid, { phase: 'defining' });",
    seed: 2,
  },
  {
    name: 'absence-is-deletion',
    rule: 'O3',
    bug: 'the agent deletes VMs that the whole set does not mention',
    file: 'agent/core.ts',
    from: 'this.ledger.synced(this.#mentioned);',
    to: `for (const { uid, phase, desired } of [...this.ledger.permits()])
        if (!this.#mentioned.has(uid) && phase === 'defined')
          this.converger.desired({ ...desired, role: 'deleted', generation: desired.generation + 1 }, this.#now);
      this.ledger.synced(this.#mentioned);`,
  },
  {
    name: 'switches-paused-ones-off-and-on',
    rule: 'O4',
    bug: 'the agent takes the power of a guest that an error has paused',
    file: 'agent/converge/plan.ts',
    from: 'const hears = permit.handover === null && metadata.generation < desired.generation;',
    to: "if (true) return act({ kind: 'destroy' }, 'crashed'); const hears = false;",
  },
  {
    name: 'starts-what-shut-itself-down',
    rule: 'O7',
    bug: 'the agent starts a guest again that has powered itself off',
    file: 'agent/converge/plan.ts',
    from: "if (power.reason === 'shutdown' && !desired.restartsAfterGuestShutdown)",
    to: 'if (false)',
  },
  {
    name: 'reboots-before-counting',
    rule: 'O7',
    bug: 'the agent reboots a guest and does not write down that it did',
    file: 'agent/converge/steps.ts',
    from: 'rebootUntil: context.now() };\n    yield* record(context, permit, metadata);',
    to: 'rebootUntil: context.now() };',
    seed: 3,
  },
  {
    name: 'counts-leases-from-their-arrival',
    rule: 'L1',
    bug: 'the agent counts its lease from when it was granted it, not from when it asked',
    file: 'agent/link/lease.ts',
    from: 'this.#expiresAt = askedAt + leaseMs;',
    to: 'this.#expiresAt = now + leaseMs;',
    seed: 2,
  },
  {
    name: 'starts-what-it-had-unasked',
    rule: 'F1',
    bug: 'after a boot an agent starts VMs that may live elsewhere by now',
    file: 'agent/converge/plan.ts',
    from: 'if (!situation.confirmed && wouldTouch(permit, domain))',
    to: 'if (false)',
  },
  {
    name: 'takes-silence-for-a-refusal',
    rule: 'O6',
    bug: 'a first start that nobody has answered in time counts as refused',
    file: 'agent/converge/program.ts',
    from: `    if (fault.kind === 'timeout' || fault.kind === 'absent')
        return false;`,
    to: `    if (fault.kind === 'timeout') return true;
    if (fault.kind === 'absent')
        return false;`,
  },
  {
    name: 'makes-missing-ones-again',
    rule: 'O2',
    bug: 'the agent makes a domain again that has vanished under its term',
    file: 'agent/converge/plan.ts',
    from: `        case 'defined':
            return rest('missing');`,
    to: `        case 'defined':
            return act({ kind: 'create' }, 'preparing');`,
    seed: 4,
  },
  {
    name: 'obeys-older-epochs',
    rule: 'E1',
    bug: 'the agent obeys a scheduler of an older epoch',
    file: 'agent/converge/epoch.ts',
    from: "return difference > 0 ? 'newer' : 'older';",
    to: "return difference > 0 ? 'newer' : 'same';",
    seed: 27,
  },
  {
    name: 'obeys-equal-epochs',
    rule: 'E1',
    bug: 'the agent obeys another scheduler that has the same numbers',
    file: 'agent/converge/epoch.ts',
    from: "return offered.instance === highest.instance ? 'same' : 'clone';",
    to: "return 'same';",
    late: true,
  },
  {
    name: 'counts-and-does-not-reboot',
    rule: 'O7',
    bug: 'the agent writes down that it has rebooted a guest, and leaves it at that',
    file: 'agent/converge/steps.ts',
    from: `yield* record(context, permit, metadata);
    if (permit.desired.rebootForced) {`,
    to: `yield* record(context, permit, metadata);
    context.memory = { ...context.memory, rebootUntil: null };
    if (true) return;
    if (permit.desired.rebootForced) {`,
  },
  {
    name: 'throws-released-disks-away',
    rule: 'O3',
    bug: 'the agent throws the disks of VMs away that live elsewhere',
    file: 'agent/converge/plan.ts',
    from: "trashVolumes: permit.desired.role === 'deleted'",
    to: 'trashVolumes: true',
    seed: 3,
  },
  {
    name: 'outlives-its-lease',
    rule: 'L2',
    bug: 'the agent leaves VMs on that stop with the lease',
    file: 'agent/converge/plan-lease.ts',
    from: "if (lease === 'ended' && isOn)",
    to: 'if (false)',
  },
  {
    name: 'takes-the-watchdog-back-unproven',
    rule: 'L2',
    bug: 'the agent takes its watchdog back although VMs that stop with the lease may run',
    file: 'agent/converge/converger.ts',
    from: 'if (cell.mayRun || cell.startUnsure)',
    to: 'if (false)',
    seed: 5,
  },
  {
    name: 'forgets-what-it-was-shown',
    rule: 'E2',
    bug: 'the agent does not say which journal it has seen',
    file: 'agent/core.ts',
    from: 'checkpoint: checkpointMessage(this.ledger.checkpoint)',
    to: 'checkpoint: null',
    seed: 2,
  },
  {
    name: 'brings-tombstones-back',
    rule: 'O3',
    bug: 'the agent obeys a word to run what it was told to delete under the same term',
    file: 'agent/converge/ledger.ts',
    from: 'takesAway(old.desired.role) && !takesAway(desired.role)',
    to: 'false',
  },
  {
    name: 'stops-after-the-disk',
    rule: 'L2',
    bug: 'the agent waits for its disk before it takes the power of what stops with the lease',
    file: 'agent/converge/program.ts',
    from: "isOverdue ? yield* oneRound(context, permit, 'stop') : 'nothing'",
    to: "'nothing'",
    seed: 234,
    inSmall: true,
  },
  {
    name: 'lets-late-calls-count',
    rule: 'O7',
    bug: 'what a call that came late has taken back of what the domain says counts',
    file: 'agent/converge/plan.ts',
    from: 'const late = planTakenBack(situation);',
    to: 'const late = null;',
    seed: 8,
    inSmall: true,
  },
];
