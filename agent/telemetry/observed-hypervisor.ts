/** A hypervisor whose calls somebody is told of: which, how it ended, and how long it took. */
import { type Hypervisor, HypervisorError } from '../hypervisor/hypervisor.js';

/** Calls that wait for the hypervisor. */
const calls = [
  'machine',
  'list',
  'inspect',
  'describe',
  'define',
  'start',
  'shutdown',
  'reboot',
  'reset',
  'destroy',
  'undefine',
  'addVcpus',
  'record',
  'leaving',
  'migrate',
  'abortMigration',
  'volumeExists',
  'createVolume',
  'growVolume',
  'trashVolume',
  'removeVolume',
  'listVolumes',
  'readVolume',
  'emptyTrash',
] as const satisfies readonly (keyof Hypervisor)[];

export interface HypervisorObserver {
  /** `outcome` is `done`, or what kind of failure it was. */
  hypervisorCalled(call: string, outcome: string, tookMs: number): void;
}

export function observedHypervisor(hypervisor: Hypervisor, observer: HypervisorObserver): Hypervisor {
  const timed: ReadonlySet<string | symbol> = new Set(calls);
  return new Proxy(hypervisor, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      if (!timed.has(name)) return member.bind(target);
      return async (...args: unknown[]): Promise<unknown> => {
        const began = performance.now();
        const end = (outcome: string) =>
          observer.hypervisorCalled(String(name), outcome, performance.now() - began);
        try {
          const value: unknown = await Reflect.apply(member, target, args);
          end('done');
          return value;
        } catch (error) {
          end(error instanceof HypervisorError ? error.fault : 'failed');
          throw error;
        }
      };
    },
  });
}
