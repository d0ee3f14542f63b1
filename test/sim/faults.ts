/** What goes wrong: a name, how often in comparison, and what happens. Each ends by itself. One more is a line here. */
import { deeds, moveTo } from './deeds.js';
import type { Machine } from './machine.js';
import type { Random } from './random.js';
import type { World } from './world.js';

interface Fault {
  weight: number;
  strike(world: World, random: Random): void;
}

const minuteMs = 60_000;

export const faults: Record<string, Fault> = {
  agentCrash: {
    weight: 8,
    strike: ({ machines }, random) => random.pick(machines)?.killAgent(random.whole(100, 20_000)),
  },
  /** Longer than its lease: nobody is there to stop what stops with it. */
  agentDead: {
    weight: 3,
    strike: ({ machines }, random) => random.pick(machines)?.killAgent(random.whole(30_000, 5 * minuteMs)),
  },
  agentUpgrade: {
    weight: 3,
    strike: ({ machines }, random) => random.pick(machines)?.upgradeAgent(random.whole(500, 10_000)),
  },
  powerLoss: {
    weight: 5,
    strike: (world, random) => {
      const machine = random.pick(world.machines);
      if (machine === undefined || !machine.isOn) return;
      world.checker.agents.forget(machine);
      machine.cutPower();
      world.later(random.whole(20_000, 5 * minuteMs), () => world.boot(machine));
    },
  },
  /** One end of a move fails while it goes on. */
  midMove: {
    weight: 6,
    strike: (world, random) => {
      const vm = random.pick([...world.lineage.state.moving.vms]);
      const machine = world.machineOf((random.chance(0.5) ? vm?.host : vm?.move?.peer) ?? '');
      if (machine === undefined || !machine.isOn) return;
      world.checker.agents.forget(machine);
      const how = random.unit();
      if (how < 0.35) machine.killAgent(random.whole(100, 20_000));
      else if (how < 0.65) machine.restartLibvirt(random.whole(500, 30_000));
      else {
        machine.cutPower();
        world.later(random.whole(20_000, 5 * minuteMs), () => world.boot(machine));
      }
    },
  },
  partition: { weight: 5, strike: (world, random) => cut(world, random, ['up', 'down']) },
  /** Neither its agent is heard nor its libvirt answers, and its guests run on. */
  cutAndHung: {
    weight: 2,
    strike: (world, random) => {
      const machine = random.pick(world.machines);
      if (machine === undefined || !machine.isOn) return;
      for (const direction of ['up', 'down'] as const) machine.path.cut(direction);
      machine.hangLibvirt();
      world.later(random.whole(minuteMs, 4 * minuteMs), () => machine.path.mend());
      world.later(random.whole(30_000, 4 * minuteMs), () => machine.unhangLibvirt());
    },
  },
  deaf: { weight: 2, strike: (world, random) => cut(world, random, ['down']) },
  mute: { weight: 2, strike: (world, random) => cut(world, random, ['up']) },
  siteOutage: {
    weight: 2,
    strike: (world, random) => {
      const site = random.pick(world.hosts)?.site.id;
      // Or of one of its switches: then there are neighbours who could power off what is not heard of.
      const part = random.chance(0.4) ? 1 : 0.4 + random.unit() / 2;
      const gone = world.machines.filter(({ host }) => world.siteOf(host) === site && random.chance(part));
      for (const { path } of gone) for (const direction of ['up', 'down'] as const) path.cut(direction);
      world.later(random.whole(10_000, 6 * minuteMs), () => {
        for (const { path } of gone) path.mend();
      });
    },
  },
  slowNetwork: {
    weight: 2,
    strike: (world, random) => {
      const machine = random.pick(world.machines);
      if (machine === undefined) return;
      machine.path.slowMs = random.whole(500, 9000);
      machine.path.cuts += 1;
      world.later(random.whole(10_000, 3 * minuteMs), () => {
        machine.path.slowMs = 0;
      });
    },
  },
  schedulerCrash: { weight: 3, strike: ({ scheduler }) => scheduler.kill() },
  schedulerUpgrade: {
    weight: 2,
    strike: (world, random) => world.upgrade(random.whole(500, 60_000)),
  },
  diskError: {
    weight: 2,
    strike: ({ weather }) => {
      weather.errors += 1;
    },
  },
  diskSlow: {
    weight: 2,
    strike: (world, random) => {
      world.weather.slowMs = random.whole(200, 8000);
      meanwhile(world, random, 'read', 12, 20_000);
      world.later(random.whole(5000, minuteMs), () => {
        world.weather.slowMs = 0;
      });
    },
  },
  diskFull: {
    weight: 1,
    strike: (world, random) => {
      world.weather.isFull = true;
      world.later(random.whole(5000, 2 * minuteMs), () => {
        world.weather.isFull = false;
      });
    },
  },
  libvirtHang: {
    weight: 4,
    strike: (world, random) => {
      const machine = random.pick(world.machines);
      machine?.hangLibvirt();
      world.later(random.whole(2000, 3 * minuteMs), () => machine?.unhangLibvirt());
    },
  },
  /** It answers, and many of its calls take longer than anybody waits. */
  libvirtStuck: {
    weight: 3,
    strike: (world, random) => {
      const machine = random.pick(world.machines);
      if (machine === undefined) return;
      machine.libvirt.stuckPart = random.unit();
      world.later(random.whole(30_000, 5 * minuteMs), () => {
        machine.libvirt.stuckPart = 0;
      });
    },
  },
  libvirtRestart: {
    weight: 3,
    strike: (world, random) => {
      const machine = random.pick(world.machines);
      if (machine === undefined) return;
      world.checker.agents.forget(machine);
      machine.restartLibvirt(random.whole(500, 30_000));
    },
  },
  guestCrash: {
    weight: 4,
    strike: (world, random) =>
      ofGuest(world, random, (machine, uid) => machine.fake.powerOff(uid, 'crashed')),
  },
  guestShutdown: {
    weight: 4,
    strike: (world, random) =>
      ofGuest(world, random, (machine, uid) => world.checker.agents.shutDown(machine, uid)),
  },
  guestPaused: {
    weight: 2,
    strike: (world, random) =>
      ofGuest(world, random, (machine, uid) => world.checker.agents.pause(machine, uid)),
  },
  guestDeaf: {
    weight: 2,
    strike: (world, random) =>
      ofGuest(world, random, (machine, uid) => {
        machine.fake.deaf.add(uid);
        world.later(random.whole(minuteMs, 5 * minuteMs), () => machine.fake.deaf.delete(uid));
      }),
  },
  /** Most often of a VM of which somebody wants something just then. */
  domainLost: {
    weight: 1,
    strike: (world, random) => {
      const busy = [...world.lineage.state.vms.values()].filter(({ operation }) => operation !== null);
      const vm = random.chance(0.7) ? random.pick(busy) : undefined;
      const machine = world.machineOf(vm?.host ?? '');
      if (vm !== undefined && machine?.isOn === true && machine.fake.inspect(vm.uid) !== null)
        machine.fake.lose(vm.uid);
      else ofGuest(world, random, ({ fake }, uid) => fake.lose(uid));
    },
  },
  /** Of one host, or of all of a site, which have fetched the same images. */
  hostDiskFull: {
    weight: 2,
    strike: (world, random) => {
      const one = random.pick(world.machines);
      if (one === undefined) return;
      const isOfSite = random.chance(0.4);
      const full = isOfSite
        ? world.machines.filter(({ host }) => world.siteOf(host) === world.siteOf(one.host))
        : [one];
      for (const machine of full) {
        machine.libvirt.isDiskFull = true;
        machine.stateFile.isFull = random.chance(isOfSite ? 0.1 : 0.5);
      }
      const forMs = random.whole(20_000, 5 * minuteMs);
      meanwhile(world, random, 'create', 6, forMs);
      world.later(forMs, () => {
        for (const machine of full) machine.freeDisks();
      });
    },
  },
  stateFileLost: {
    weight: 1,
    strike: (world, random) => {
      const machine = random.pick(world.machines);
      if (machine !== undefined) world.loseStateFile(machine, random);
    },
  },
  hostClockJump: {
    weight: 2,
    strike: (world, random) => {
      const machine = random.pick(world.machines);
      machine?.clock.jump(random.whole(-2 * 3600_000, 2 * 3600_000));
      world.later(random.whole(10_000, 10 * minuteMs), () => machine?.clock.correct());
    },
  },
  schedulerClockJump: {
    weight: 1,
    strike: (world, random) => {
      world.scheduler.clock.jump(random.whole(-2 * 3600_000, 2 * 3600_000));
      world.later(random.whole(10_000, 5 * minuteMs), () => world.scheduler.clock.correct());
    },
  },
  restore: { weight: 0.8, strike: (world, random) => world.restore(random) },
  copiedDatabase: { weight: 1.2, strike: (world, random) => world.copyDatabase(random) },
  clone: {
    weight: 1,
    strike: (world, random) => {
      const host = world.clone(random);
      meanwhile(world, random, 'create', 8, 90_000);
      for (let at = 0; host !== null && at < 8; at += 1) {
        const own = random.fork(`to the clone ${at}`);
        world.later(own.whole(500, 90_000), () => moveTo(world, own, host));
      }
    },
  },
};

export const weightedFaults = Object.entries(faults).map(([what, { weight }]) => ({ what, weight }));

/** Callers do something while it lasts. */
function meanwhile(world: World, random: Random, what: string, count: number, forMs: number): void {
  for (let at = 0; at < count; at += 1) {
    const own = random.fork(`${what} ${at}`);
    world.later(random.whole(500, forMs), () => deeds[what]?.act(world, own));
  }
}

function cut(world: World, random: Random, directions: readonly ('up' | 'down')[]): void {
  const machine = random.pick(world.machines);
  if (machine === undefined) return;
  for (const direction of directions) machine.path.cut(direction);
  world.later(random.whole(1000, 3 * minuteMs), () => machine.path.mend());
}

function ofGuest(world: World, random: Random, act: (machine: Machine, uid: string) => void): void {
  const machine = random.pick(world.machines);
  const guests = machine?.fake.list().filter(({ power, ours }) => power.kind === 'running' && ours) ?? [];
  const guest = random.pick(guests);
  if (machine !== undefined && guest !== undefined) act(machine, guest.uid);
}
