/**
 * A scheduler on a machine of its own: the real engine, fleet, checkpoints and services over a simulated disk. It starts,
 * is upgraded, is killed, and ends by itself when its store has failed, as the real process does.
 */
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { Logger } from 'pino';
import type { LinkResponse } from '../../proto/gen/secovia/v1/LinkResponse.js';
import { agentService } from '../../scheduler/api/agent-service.js';
import { CountedAttempts } from '../../scheduler/api/attempts.js';
import { authorizer } from '../../scheduler/api/authorization.js';
import { insecureCallers } from '../../scheduler/api/callers.js';
import { Entrance } from '../../scheduler/api/entrance.js';
import type { CallContext } from '../../scheduler/api/methods.js';
import { Requests } from '../../scheduler/api/requests.js';
import type { CommandOf, CommandType, ReplyOf } from '../../scheduler/core/commands.js';
import { Engine, type EngineObserver, type EngineOptions, type Outcome } from '../../scheduler/engine.js';
import { type CheckpointKey, Checkpoints } from '../../scheduler/fleet/checkpoints.js';
import { Fleet } from '../../scheduler/fleet/fleet.js';
import { SteadyClock } from '../../scheduler/steady-clock.js';
import { loading } from '../../scheduler/store/load.js';
import { v1 } from '../../proto/index.js';
import { type Answered, Api, type EncodedCall } from './api.js';
import { simulatedKey } from './checkpoint-key.js';
import { MachineClock, mostDrift } from './clock.js';
import type { Disk } from './disk.js';
import type { Listening, ServerStream } from './network.js';
import type { Random } from './random.js';
import { type DiskWeather, SimStore } from './store.js';
import { Life, type Timeline } from './timeline.js';

/** A deployment's lease is ten seconds by default; here it is longer, as it would be with many hosts. */
export const leaseMs = 30_000;
/** So short that orders to hosts that are away do take too long. */
const operationLimitMs = 240_000;
const catchUpMs = 1000;
const checkpointEveryMs = 60_000;
/** A process that has ended is started again by its service manager after so long. */
const restartMs = 2000;
/** How long reading the state takes. */
const loadMs = 800;

interface Running {
  life: Life;
  store: SimStore;
  engine: Engine;
  fleet: Fleet;
  attempts: CountedAttempts;
  api: Api;
  link: (stream: ServerDuplexStream<never, LinkResponse>) => void;
  /** Serving: agents and callers are heard. */
  serves: boolean;
}

export interface SchedulerParts {
  name: string;
  timeline: Timeline;
  random: Random;
  disk: Disk;
  weather: DiskWeather;
  log: Logger;
  /** Of the federation, unless somebody has started it without its files. */
  key?: CheckpointKey;
  /** The scheduler decides that the lease of a host has ended. */
  onLapsed(host: string): void;
  /** Called when the process has ended, for whatever reason. */
  onEnded(life: Life): void;
}

export class SchedulerProcess implements Listening {
  readonly clock: MachineClock;
  readonly #parts: SchedulerParts;
  disk: Disk;
  #running: Running | null = null;
  /** Whether it is to run: a service manager starts it again. */
  #enabled = false;
  /** It has a new incarnation to take, and all sites go into recovery. */
  #restored = false;
  #starts = 0;
  /** Called when it serves again. */
  #served: () => void = () => {};

  constructor(parts: SchedulerParts) {
    this.#parts = parts;
    this.disk = parts.disk;
    this.clock = new MachineClock(parts.timeline, 1 + (parts.random.unit() * 2 - 1) * mostDrift);
  }

  get life(): Life | null {
    return this.#running?.serves === true ? this.#running.life : null;
  }

  get engine(): Engine | null {
    return this.#running?.serves === true ? this.#running.engine : null;
  }

  get name(): string {
    return this.#parts.name;
  }

  /** Has it started, and started again whenever it ends, until it is disabled. */
  /** `restored`: its disk was made of a backup by `secovia-scheduler restore`, and not by hand. */
  enable(afterMs = 0, restored = false): void {
    this.#restored = restored;
    this.#enabled = true;
    this.#startIn(afterMs);
  }

  /** An operator stops it and leaves it so. */
  disable(): void {
    this.#served = () => {};
    this.#enabled = false;
    this.#starts += 1;
    this.#end();
  }

  kill(): void {
    this.#served = () => {};
    if (this.#running === null) return;
    this.#end();
    if (this.#enabled) this.#startIn(restartMs);
  }

  /** A planned stop, and a start a moment later: an upgrade. */
  upgrade(pauseMs: number, served: () => void = () => {}): void {
    const running = this.#running;
    if (running === null || !running.serves) return;
    running.serves = false;
    running.fleet.stop();
    running.attempts.flush();
    running.engine.whenReadable(() => {
      this.#end();
      this.disk.save();
      this.#served = served;
      if (this.#enabled) this.#startIn(pauseMs);
    });
  }

  accept(stream: ServerStream): void {
    this.#running?.link(stream as unknown as ServerDuplexStream<never, LinkResponse>);
  }

  /** `isEarly`: it is answered before everything was on disk that there was when it came. */
  call(call: EncodedCall, answered: (answer: Answered, isEarly: boolean) => void): void {
    const running = this.#running;
    if (running === null || !running.serves) return;
    const { engine, life } = running;
    const { sequence } = engine.state;
    running.api.call(call, (answer) => {
      if (life.alive) answered(answer, engine.head.sequence < sequence);
    });
  }

  #startIn(ms: number): void {
    this.#starts += 1;
    const start = this.#starts;
    const { timeline } = this.#parts;
    timeline.life.after(ms + loadMs, () => {
      if (this.#enabled && start === this.#starts && this.#running === null) this.#start();
    });
  }

  #end(): void {
    const running = this.#running;
    if (running === null) return;
    this.#running = null;
    running.store.crash();
    running.life.end();
    this.#parts.onEnded(running.life);
  }

  #start(): void {
    const { timeline, random, weather, log, onLapsed, key = simulatedKey } = this.#parts;
    const life = new Life(timeline);
    const store = new SimStore(this.disk, life, weather, random.fork(`store ${timeline.nowMs}`));
    const { handlers, loaded } = loading();
    const { state, head, requests } = loaded(store.load(handlers));
    const uptimeMs = () => this.clock.bootMs;
    const steady = new SteadyClock(() => this.clock.wallMs, uptimeMs, state.lastMs);
    const engine = new WatchedEngine(onLapsed, {
      state,
      store,
      head,
      clock: () => steady.now(),
      timers: life,
      observer: untilItHangs(this.#parts),
      onFatal: () => {
        if (this.#running?.life === life) this.kill();
      },
    });
    const checkpoints = new Checkpoints(engine, store, key);
    const newId = () => random.uuid();
    const fleet = new Fleet({ engine, checkpoints, leaseMs, operationLimitMs, log, uptimeMs, newId });
    const attempts = new CountedAttempts(engine);
    const context: CallContext = {
      engine,
      requests: new Requests(store, requests),
      entrance: new Entrance({ callsPerSecond: 1e6, uptimeMs, timers: life }),
      log,
      callers: insecureCallers,
      authorize: authorizer(engine),
      attempts,
      authority: null,
    };
    const service = agentService(fleet, checkpoints.publicKey);
    const link = service.Link(v1.AgentService.service.Link as never, context);
    const running: Running = {
      life,
      store,
      engine,
      fleet,
      attempts,
      api: new Api(context, fleet),
      link: link as unknown as Running['link'],
      serves: false,
    };
    this.#running = running;
    const incarnation = this.#restored ? state.federation.epoch.incarnation + 1 : 1;
    engine.run({ type: 'federation.open', instance: random.uuid(), name: 'simulated', incarnation });
    if (this.#restored) {
      engine.run({ type: 'recovery.enter', sites: [...state.sites.keys()], reason: 'restored' });
    }
    engine.whenReadable(() => {
      if (this.#running !== running) return;
      this.#restored = false;
      fleet.start();
      life.every(catchUpMs, () => {
        engine.catchUp();
        engine.run({ type: 'clock.note', jumpMs: steady.jumpMs });
      });
      life.every(checkpointEveryMs, () => checkpoints.keep());
      running.serves = true;
      const served = this.#served;
      this.#served = () => {};
      served();
    });
  }
}

/** Decisions of one moment. More than that are no work: it decides on and on, and no time passes any more. */
const mostAtOnce = 20_000;

/** @throws what becomes of a scheduler that hangs: nobody would ever hear of it. */
function untilItHangs({ timeline }: { timeline: Timeline }): EngineObserver {
  let [step, decisions] = [0, 0];
  return {
    decided: (command) => {
      decisions = timeline.steps === step ? decisions + 1 : 0;
      step = timeline.steps;
      if (decisions > mostAtOnce)
        throw new Error(`the scheduler has decided ${command} ${mostAtOnce} times, and goes on`);
    },
    committed: () => {},
  };
}

/** Tells of leases that end in the moment in which that is decided. */
class WatchedEngine extends Engine {
  readonly #onLapsed: (host: string) => void;

  constructor(onLapsed: (host: string) => void, options: EngineOptions) {
    super(options);
    this.#onLapsed = onLapsed;
  }

  override run<T extends CommandType>(command: CommandOf<T>): Outcome<ReplyOf<T>> {
    if (command.type === 'host.lapsed') this.#onLapsed((command as CommandOf<'host.lapsed'>).id);
    return super.run(command);
  }
}
