/** What hosts have of VMs that nobody knows, and what operators do about it, as a part of random histories. */
import fc from 'fast-check';
import type { Command } from '../../../../scheduler/core/commands.js';
import { answering, type World } from '../world.js';
import { adoption, orphan } from './adoption-world.js';

export const stray = fc.record({
  move: fc.constantFrom(
    'stray' as const,
    'stray' as const,
    'adopt' as const,
    'adopt' as const,
    'remove' as const,
  ),
  host: fc.nat(2),
  /** Which VM it is of. */
  of: fc.nat(3),
  kind: fc.constantFrom('domain' as const, 'domain' as const, 'disk' as const),
  running: fc.boolean(),
  pool: fc.constantFrom('', '', '/srv/pool'),
  special: fc.constantFrom('', '', '', 'extras', 'cell'),
  term: fc.nat(4),
  vcpus: fc.integer({ min: 1, max: 3 }),
  onLoss: fc.boolean(),
  dataClass: fc.constantFrom('', '', 'personal'),
});

export type Stray = typeof stray extends fc.Arbitrary<infer T> ? T : never;

const uidOf = (number: number): string => `0000000${number}-8f0e-4a6b-9d57-0b7f1f4f2a11`;

/** The highest term of each VM that a host was given or has told, by both: an agent keeps it, whatever becomes of the VM. */
const kept = new WeakMap<World, Map<string, number>>();

function keptTerms(world: World): Map<string, number> {
  const terms = kept.get(world) ?? new Map<string, number>();
  kept.set(world, terms);
  const note = (host: string, uid: string, term: number) =>
    terms.set(`${host} ${uid}`, Math.max(term, terms.get(`${host} ${uid}`) ?? 0));
  for (const { uid, host, term } of world.state.vms.values()) if (host !== null) note(host, uid, term);
  for (const { id, orphanVms = [] } of world.state.hosts.values())
    for (const { uid, term } of orphanVms) note(id, uid, term);
  return terms;
}

export function strayOf(world: World, plan: Stray): Command {
  const id = `h${plan.host}`;
  const terms = keptTerms(world);
  const uid = uidOf(plan.of);
  switch (plan.move) {
    case 'stray':
      return {
        type: 'host.report',
        id,
        report: reportOf({ ...plan, term: Math.max(plan.term, terms.get(`${id} ${uid}`) ?? 0) }),
        inventory: null,
        capacity: null,
      };
    case 'remove':
      return { type: 'host.remove_orphan', id, uid };
    case 'adopt': {
      // Mostly one that there is.
      const told = [...world.state.hosts.values()].flatMap(({ id: at, orphanVms = [] }) =>
        orphanVms.map((one) => ({ at, one })),
      );
      const { at, one } = told[plan.host % Math.max(1, told.length)] ?? { at: id, one: orphan({ uid }) };
      // Of a disk alone nobody knows more.
      const size = one.kind === 'disk' ? { vcpus: plan.vcpus, memoryMib: 1024 } : {};
      const policy = {
        onGuestShutdown: 'stay_stopped' as const,
        rebuildable: plan.onLoss,
        ...(plan.onLoss ? { onHostLoss: 'restart' as const } : {}),
      };
      const dataClass = plan.dataClass === '' ? {} : { dataClass: plan.dataClass };
      const vm = { uid: one.uid, id: `v${plan.of}`, image: 'i0', policy, ...size, ...dataClass };
      return adoption(world, { host: plan.running ? at : id, administration: `a${plan.of % 2}`, vm });
    }
  }
}

function reportOf({ of, kind, running, pool, special, term, vcpus }: Stray) {
  const uid = uidOf(of);
  const isDisk = kind === 'disk';
  const size = { vcpus: isDisk ? 0 : vcpus, memoryMib: isDisk ? 0 : 1024, diskMib: 500 };
  const one = orphan({
    ...{ uid, kind, size, term, generation: term, rebootCount: 0 },
    ...{ running: running && !isDisk, poolPath: isDisk ? '' : pool },
    ...(special === 'extras' ? { extras: { 'gpu:a': 1 } } : {}),
    ...(special === 'cell' ? { numa: { cells: 1, dedicatedCpus: false }, numaCells: [0] } : {}),
  });
  return { ...answering, orphans: [`domain v${of} ${uid}`], orphanVms: [one] };
}
