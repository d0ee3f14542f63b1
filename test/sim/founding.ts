/** A disk with a federation on it, as every simulation of one size begins: founded once, and copied. */
import { Engine } from '../../scheduler/engine.js';
import { loading } from '../../scheduler/store/load.js';
import { beginningMs } from './clock.js';
import { Disk } from './disk.js';
import { found, type Scale } from './federation.js';
import { Random } from './random.js';
import { SimStore } from './store.js';
import { Timeline } from './timeline.js';

const made = new Map<string, Disk>();

export function beginningDisk(scale: Scale): Disk {
  const key = JSON.stringify(scale);
  let disk = made.get(key);
  if (disk === undefined) {
    disk = foundedDisk(scale);
    made.set(key, disk);
  }
  return disk.copy();
}

function foundedDisk(scale: Scale): Disk {
  const disk = new Disk();
  const timeline = new Timeline();
  const calm = { latencyMs: () => 1, outcome: () => 'written' as const };
  const store = new SimStore(disk, timeline.life, calm, new Random(0));
  const { handlers, loaded } = loading();
  const { state, head } = loaded(store.load(handlers));
  const fail = (error: Error) => {
    throw error;
  };
  const clock = () => beginningMs - 3600_000;
  const engine = new Engine({ state, store, head, clock, timers: timeline.life, onFatal: fail });
  engine.run({ type: 'federation.open', instance: 'founding', name: 'simulated', incarnation: 1 });
  found(engine, scale);
  timeline.life.after(0, () => {});
  timeline.runTo(10_000);
  return disk;
}
