/** Which federation is simulated: sites of three partners, hosts of two sizes, some with a shared pool, and who uses them. */
import type { CommandOf, CommandType } from '../../scheduler/core/commands.js';
import type { Engine } from '../../scheduler/engine.js';
import type { MachineSize } from './machine.js';

export interface Scale {
  hosts: number;
  vms: number;
}

export const usualScale: Scale = { hosts: 40, vms: 200 };

export const sites = [
  { id: 'zagreb', partner: 'adria', country: 'HR', jurisdictions: ['EU'] },
  { id: 'split', partner: 'adria', country: 'HR', jurisdictions: ['EU'] },
  { id: 'ljubljana', partner: 'sava', country: 'SI', jurisdictions: ['EU'] },
  { id: 'skopje', partner: 'vardar', country: 'MK', jurisdictions: ['GDPR-adequate'] },
] as const;

export const administrations = ['croatia', 'zagreb-city', 'split-city', 'slovenia', 'macedonia'] as const;
const parents: Record<string, [parent: string | null, country: string]> = {
  croatia: [null, 'HR'],
  'zagreb-city': ['croatia', 'HR'],
  'split-city': ['croatia', 'HR'],
  slovenia: [null, 'SI'],
  macedonia: [null, 'MK'],
};

export const images = ['debian', 'tiny'] as const;
export const agreements = ['hr-si', 'mk-hr'] as const;

const sizes: readonly MachineSize[] = [
  { vcpus: 8, memoryMib: 16_384, diskMib: 400_000, vms: 12 },
  { vcpus: 16, memoryMib: 24_576, diskMib: 600_000, vms: 20 },
];

export interface HostPlan {
  id: string;
  site: (typeof sites)[number];
  machineId: string;
  size: MachineSize;
}

export function hostsOf({ hosts }: Scale): HostPlan[] {
  return Array.from({ length: hosts }, (_, index) => ({
    id: `h${index}`,
    site: sites[index % sites.length] as (typeof sites)[number],
    machineId: index.toString(16).padStart(32, '0'),
    size: sizes[Math.floor(index / sites.length) % sizes.length] as MachineSize,
  }));
}

/** Each site's first hosts mount its shared pool. */
export const poolOf = (site: string): string => `pool-${site}`;

/** Founds it, through the decisions that everybody else's words go through. */
export function found(engine: Engine, scale: Scale): void {
  const run = <T extends CommandType>(command: CommandOf<T>) => {
    const { refusal } = engine.run(command);
    if (refusal) throw new Error(`${command.type} was refused: ${refusal.message}`);
  };
  for (const site of sites) {
    run({
      type: 'site.create',
      title: '',
      vcpuOvercommitPercent: 200,
      ...site,
      jurisdictions: [...site.jurisdictions],
    });
  }
  for (const id of administrations) {
    const [parent, country] = parents[id] as [string | null, string];
    run({ type: 'administration.create', id, title: '', parent, country });
  }
  run({ type: 'administration.update', id: 'split-city', stoppedVms: 'free', etag: '' });
  for (const id of images) run(imageOf(id));
  for (const { id, site, machineId } of hostsOf(scale)) {
    run({ type: 'host.join', id, site: site.id, rack: `${site.id}-r${id.length}`, machineId });
  }
  for (const { id } of sites) {
    const hosts = hostsOf(scale).filter(({ site }) => site.id === id);
    // So much that some find it full.
    const capacityMib = scale.vms * 1000;
    const mounted = hosts.slice(0, 4).map((host) => host.id);
    run({ type: 'pool.create', id: poolOf(id), site: id, path: `/srv/${id}`, hosts: mounted, capacityMib });
  }
  const share = scale.vms / administrations.length;
  for (const administration of administrations) {
    const limit = {
      vcpus: Math.round(share * 4),
      memoryMib: Math.round(share * 4096),
      vms: Math.round(share * 1.5),
    };
    run({ type: 'quota.set', administration, scope: { kind: 'everywhere' }, limit, etag: '' });
  }
  run({
    type: 'residency.create',
    id: 'personal-hr',
    dataClass: 'personal',
    administration: null,
    allowed: { countries: [], jurisdictions: ['EU'] },
    forbidden: { countries: [], jurisdictions: [] },
    legalBasis: 'a law',
    priority: 10,
    fromMs: null,
    untilMs: null,
    startUntilMs: null,
  });
  agree(run, agreements[0], 'sava', 'croatia', share);
  agree(run, agreements[1], 'adria', 'macedonia', share);
}

function agree(
  run: (command: CommandOf<'agreement.create'>) => void,
  id: string,
  partner: string,
  administration: string,
  share: number,
): void {
  run({
    type: 'agreement.create',
    id,
    title: '',
    partner,
    beneficiary: { kind: 'administration', administration },
    limit: { vms: Math.round(share / 2) },
    limitPercent: null,
    reserve: {},
    price: { currency: 'EUR', vcpuMicros: 1000, memoryGibMicros: 5, diskGibMicros: 1, stoppedPercent: 10 },
    fromMs: null,
    untilMs: null,
    noticeDays: 0,
  });
}

function imageOf(id: string): CommandOf<'image.create'> {
  return {
    type: 'image.create',
    uid: `image-${id}`,
    id,
    title: '',
    digest: `sha256:${(id === 'tiny' ? '1' : '2').repeat(64)}`,
    format: 'qcow2',
    sizeBytes: 1000,
    virtualSizeMib: id === 'tiny' ? 100 : 2000,
    source: `https://images.test/${id}`,
    architecture: 'x86_64',
  };
}
