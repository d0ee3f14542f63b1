/** Hosts that have told of orphans, for tests of what becomes of them. */
import type { CommandOf } from '../../../../scheduler/core/commands.js';
import type { Orphan } from '../../../../scheduler/core/model.js';
import { answering, type World } from '../world.js';

export const uid = '6f1f9a3c-8f0e-4a6b-9d57-0b7f1f4f2a11';
export const digest = `sha256:${'0'.repeat(64)}`;

/** A domain that runs, made from the image of every world. */
export function orphan(change: Partial<Orphan> = {}): Orphan {
  return {
    uid,
    kind: 'domain',
    vmName: 'administrations/adm/vms/web',
    running: true,
    size: { vcpus: 2, memoryMib: 2048, diskMib: 4000 },
    poolPath: '',
    imageDigest: digest,
    term: 3,
    generation: 7,
    rebootCount: 2,
    problem: '',
    ...change,
  };
}

/** The host has these orphans, and no others. */
export function report(world: World, id: string, ...orphans: Orphan[]): void {
  const orphanVms = orphans.length === 0 ? {} : { orphanVms: orphans };
  const texts = orphans.map((one) =>
    one.kind === 'domain' ? `domain web ${one.uid}` : `volume ${one.uid}.qcow2`,
  );
  world.run({
    type: 'host.report',
    id,
    report: { ...answering, orphans: texts, ...orphanVms },
    inventory: null,
    capacity: null,
  });
}

type Adoption = CommandOf<'vm.adopt'>;

export function adoption(
  world: World,
  change: Partial<Omit<Adoption, 'vm' | 'type'>> & { vm?: Partial<Adoption['vm']> } = {},
): Adoption {
  const { vm, ...rest } = change;
  return {
    type: 'vm.adopt',
    administration: 'adm',
    host: 'a',
    operation: world.draw('operation'),
    ...rest,
    vm: {
      uid,
      id: 'web',
      title: '',
      labels: {},
      vcpus: 0,
      memoryMib: 0,
      diskMib: 0,
      image: '',
      policy: { onGuestShutdown: 'stay_stopped', rebuildable: false },
      placement: { sites: [], countries: [], excludedHosts: [] },
      deletionProtection: false,
      ...vm,
    },
  };
}
