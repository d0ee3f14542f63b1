/** What callers do: a name, how often in comparison, and the call. One more is a line here. */
import { administrations, agreements, images, poolOf, sites } from './federation.js';
import { type KnownVm, vmsIn } from './portal.js';
import { Random } from './random.js';
import type { World } from './world.js';

interface Deed {
  weight: number;
  act(world: World, random: Random): void;
}

export const deeds: Record<string, Deed> = {
  create: { weight: 14, act: (world, random) => create(world, random, 1) },
  batch: { weight: 4, act: (world, random) => create(world, random, random.whole(2, 6)) },
  delete: {
    weight: 16,
    act: (world, random) =>
      ofVm(world, random, 'DeleteVm', {}, (vm) => {
        vm.isDeleted = true;
      }),
  },
  start: { weight: 14, act: (world, random) => ofVm(world, random, 'StartVm') },
  stop: {
    weight: 14,
    act: (world, random) =>
      ofVm(world, random, 'StopVm', {
        mode: random.chance(0.3) ? 'STOP_MODE_FORCE' : 'STOP_MODE_GRACEFUL',
        gracePeriod: { seconds: random.whole(5, 60) },
      }),
  },
  reboot: {
    weight: 8,
    act: (world, random) =>
      ofVm(world, random, 'RebootVm', {
        mode: random.chance(0.5) ? 'REBOOT_MODE_FORCE' : 'REBOOT_MODE_GRACEFUL',
      }),
  },
  resize: {
    weight: 12,
    act: (world, random) =>
      ofVm(world, random, 'ResizeVm', {
        vcpus: random.pick([0, 1, 2, 4]),
        memoryMib: random.pick([0, 1024, 2048, 4096, 8192]),
        diskMib: random.pick([0, 0, 20_000, 40_000]),
      }),
  },
  migrate: {
    weight: 20,
    act: (world, random) => {
      // Few have their disk on a pool; one that has not is refused.
      const onPool = [...world.portal.vms.values()].filter(
        ({ uid }) => world.lineage.state.vms.get(uid)?.spec.pool !== '' || random.chance(0.02),
      );
      const host = random.chance(0.3) ? `hosts/${random.pick(world.hosts)?.id ?? ''}` : '';
      const mode = random.pick(['MIGRATION_MODE_UNSPECIFIED', 'MIGRATION_MODE_LIVE', 'MIGRATION_MODE_COLD']);
      const vm = random.pick(onPool);
      if (vm === undefined) return;
      world.portal.call('MigrateVm', { name: `vms/${vm.uid}`, host, mode }, random);
    },
  },
  cancel: {
    weight: 3,
    act: (world, random) => {
      const running = [...world.lineage.state.operations.values()].filter(({ state }) => state === 'running');
      const moves = running.filter(({ verb }) => verb === 'migrate');
      const operation = random.pick(moves.length > 0 && random.chance(0.7) ? moves : running);
      if (operation === undefined || operation.verb === 'create') return;
      world.portal.call('CancelOperation', { name: `operations/${operation.id}` }, random);
    },
  },
  drain: {
    weight: 3,
    act: (world, random) => {
      const name = `hosts/${random.pick(world.hosts)?.id ?? ''}`;
      const method = random.pick(['DrainHost', 'DrainHost', 'PauseDrain', 'ResumeDrain']) as string;
      world.portal.call(method, { name }, random);
      if (method === 'DrainHost')
        world.later(random.whole(30_000, 600_000), () =>
          world.portal.call('UndrainHost', { name }, new Random(random.word())),
        );
    },
  },
  quota: {
    weight: 3,
    act: (world, random) => {
      const share = (world.scale.vms / administrations.length) * (0.5 + random.unit());
      world.portal.call(
        'SetQuota',
        {
          parent: `administrations/${random.pick(administrations)}`,
          scope: random.chance(0.5) ? {} : { country: 'HR' },
          limit: {
            vcpus: Math.round(share * 4),
            memoryMib: Math.round(share * 4096),
            vms: Math.round(share * 1.5),
          },
        },
        random,
      );
    },
  },
  residency: {
    weight: 2,
    act: (world, random) => {
      const countries = random.pick([['HR'], ['HR', 'SI'], ['HR', 'SI', 'MK']]);
      world.portal.call(
        'CreateResidencyRule',
        {
          residencyRuleId: `rule-${random.word().toString(36)}`,
          residencyRule: {
            dataClass: 'dataClasses/personal',
            administration: random.chance(0.5) ? '' : `administrations/${random.pick(administrations)}`,
            allowed: { countries },
            legalBasis: 'a law',
            priority: random.whole(10, 500),
            validUntil: { seconds: Math.round(world.wallMs / 1000) + random.whole(60, 1200) },
          },
        },
        random,
      );
    },
  },
  agreement: {
    weight: 2,
    act: (world, random) =>
      world.portal.call(
        'UpdateAgreement',
        {
          agreement: { name: `agreements/${random.pick(agreements)}`, limit: { vms: random.whole(3, 30) } },
          updateMask: { paths: ['limit'] },
        },
        random,
      ),
  },
  /** What its owner says of it: what is to become of it when its host is lost, or the lease, or its guest ends. */
  update: {
    weight: 9,
    act: (world, random) => {
      const vms = [...world.portal.vms.values()];
      // What a host has not heard of matters most while nobody hears of the host.
      const { state } = world.lineage;
      const unheard = vms.filter(({ uid }) => {
        const host = state.hosts.get(state.vms.get(uid)?.host ?? '');
        return host !== undefined && host.state !== 'ready';
      });
      const vm = random.pick(unheard.length > 0 && random.chance(0.5) ? unheard : vms);
      if (vm === undefined) return;
      const policy = {
        ...shutdownPolicy(random),
        onHostLoss: random.pick(['HOST_LOSS_POLICY_RESTART', 'HOST_LOSS_POLICY_WAIT']),
        onLeaseLoss: random.pick(['LEASE_LOSS_POLICY_STOP', 'LEASE_LOSS_POLICY_KEEP']),
        rebuildable: random.chance(0.5),
      };
      const request = { vm: { name: `vms/${vm.uid}`, policy }, updateMask: { paths: ['policy'] } };
      world.portal.call('UpdateVm', request, random);
    },
  },
  read: {
    weight: 12,
    act: (world, random) => {
      const vm = random.pick([...world.portal.vms.values()]);
      const host = random.pick(world.hosts);
      const reads: [string, object][] = [
        ['ListVms', { parent: 'administrations/-', pageSize: 1000 }],
        ['ListOperations', { pageSize: 100 }],
        ['GetVm', { name: `vms/${vm?.uid ?? ''}` }],
        ['GetHost', { name: `hosts/${host?.id ?? ''}` }],
      ];
      const [method, request] = random.pick(reads) as [string, object];
      world.portal.read(method, request);
    },
  },
  /** An operator has looked, and does not wait. */
  fence: {
    weight: 3,
    act: (world, random) => {
      const lost = [...world.lineage.state.hosts.values()].filter(({ state }) => state === 'lost');
      const host = random.pick(lost);
      if (host === undefined) return;
      world.portal.call('FenceHost', { name: `hosts/${host.id}`, reason: 'it is wanted off' }, random);
    },
  },
  cordon: {
    weight: 3,
    act: (world, random) =>
      world.portal.call(
        random.chance(0.4) ? 'CordonHost' : 'UncordonHost',
        { name: `hosts/${random.pick(world.hosts)?.id ?? ''}` },
        random,
      ),
  },
};

/** Somebody wants a VM on this host that could have it, if it is one that takes any. */
export function moveTo(world: World, random: Random, id: string): void {
  const { pools, vms } = world.lineage.state;
  const onPool = [...vms.values()].filter(
    ({ host, spec }) => host !== id && pools.get(spec.pool)?.hosts.includes(id) === true,
  );
  const vm = random.pick(onPool);
  if (vm !== undefined)
    world.portal.call('MigrateVm', { name: `vms/${vm.uid}`, host: `hosts/${id}` }, random);
}

export const weightedDeeds = Object.entries(deeds).map(([what, { weight }]) => ({ what, weight }));

function create(world: World, random: Random, count: number): void {
  const administration = random.pick(administrations) as string;
  const parent = `administrations/${administration}`;
  const requests = Array.from({ length: count }, () => ({
    vmId: `v${random.word().toString(36)}`,
    vm: newVm(random),
  }));
  const answered = (reply: Record<string, unknown>) => {
    for (const { uid, name } of vmsIn(reply)) {
      const id = name.split('/').at(-1) as string;
      world.portal.vms.set(uid, { administration, id, uid, isDeleted: false });
      if (random.chance(0.15)) changeMind(world, random, uid);
    }
  };
  const told = (answer: { reply: Record<string, unknown> } | object) => {
    if ('reply' in answer) answered(answer.reply);
  };
  const [first] = requests;
  if (count === 1) world.portal.call('CreateVm', { parent, ...first }, random, told);
  else {
    const mode = random.chance(0.5) ? 'BATCH_MODE_BEST_EFFORT' : 'BATCH_MODE_ALL_OR_NOTHING';
    world.portal.call('BatchCreateVms', { parent, requests, mode }, random, told);
  }
}

/** Something else is wanted of it while its host makes it. */
function changeMind(world: World, random: Random, uid: string): void {
  const method = random.pick(['StopVm', 'StartVm', 'ResizeVm']) as string;
  const then = new Random(random.word());
  const size = method === 'ResizeVm' ? { vcpus: 1 } : {};
  world.later(then.whole(1, 3000), () => world.portal.call(method, { name: `vms/${uid}`, ...size }, then));
}

function newVm(random: Random): object {
  const image = random.pick(images);
  const pool = random.chance(0.55) ? `storagePools/${poolOf((random.pick(sites) as { id: string }).id)}` : '';
  const placement = random.chance(0.2)
    ? {
        groups: [
          {
            group: `g${random.whole(1, 4)}`,
            policy: 'GROUP_POLICY_ANTI_AFFINITY',
            scope: 'GROUP_SCOPE_HOST',
          },
        ],
      }
    : {};
  return {
    spec: {
      vcpus: random.pick([1, 1, 2, 4]),
      memoryMib: random.pick([512, 1024, 2048, 4096]),
      diskMib: random.pick([4000, 10_000, 20_000]),
      image: `images/${image}`,
      storagePool: pool,
    },
    policy: { ...shutdownPolicy(random), ...policyOf(random, pool) },
    placement,
    desiredPowerState: random.chance(0.15) ? 'POWER_STATE_STOPPED' : 'POWER_STATE_RUNNING',
    dataClass: random.chance(0.3) ? 'dataClasses/personal' : '',
  };
}

const shutdownPolicy = (random: Random) => ({
  onGuestShutdown: random.chance(0.3)
    ? 'GUEST_SHUTDOWN_POLICY_RESTART'
    : 'GUEST_SHUTDOWN_POLICY_STAY_STOPPED',
});

/** What becomes of it without its host, or without its host's lease. */
const policyOf = (random: Random, pool: string) => ({
  ...(pool === '' && random.chance(0.5) ? { onHostLoss: 'HOST_LOSS_POLICY_RESTART', rebuildable: true } : {}),
  ...(random.chance(0.4) ? { onLeaseLoss: 'LEASE_LOSS_POLICY_STOP' } : {}),
});

function ofVm(
  world: World,
  random: Random,
  method: string,
  request: object = {},
  acknowledged: (vm: KnownVm) => void = () => {},
): void {
  const known = [...world.portal.vms.values()].filter(({ isDeleted }) => !isDeleted || random.chance(0.02));
  // What is asked of one on its way is refused, and few are.
  const { state } = world.lineage;
  const moving = random.chance(0.2) ? known.filter(({ uid }) => state.vms.get(uid)?.move !== undefined) : [];
  const vm = random.pick(moving.length > 0 ? moving : known);
  if (vm === undefined) return;
  const name = random.chance(0.5) ? `vms/${vm.uid}` : `administrations/${vm.administration}/vms/${vm.id}`;
  world.portal.call(method, { name, ...request }, random, (answer) => {
    if ('reply' in answer) acknowledged(vm);
  });
}
