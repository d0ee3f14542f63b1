/**
 * How many threads the agent's file calls need. Node has one pool of four for all of them, and takes another number only
 * from its environment, before the process has begun: a module that is loaded uses it already. So the number stands in
 * deploy/bin/secovia-agent, and a test holds that it is this one.
 */
import { placesOfImageFiles } from './images/image-store.js';
import { placesOfPool, placesOfSharedPools } from './pool-lanes.js';

/** For the state file, certificates, names of hosts, and what else the agent reads of its own disk. */
const spareThreads = 12;

/** Whatever hangs in pools and in folders of images, the spare ones are left; 1,024 are the most that Node takes. */
export const fileThreads = spareThreads + placesOfPool + placesOfSharedPools + placesOfImageFiles;

/** How many this process has. */
export const presentThreads = (environment: NodeJS.ProcessEnv): number =>
  Number(environment['UV_THREADPOOL_SIZE'] ?? 4);
