/**
 * Whether guests are given KVM. That is found out anew at each connection to libvirt, and a host that is short of memory just
 * then seems to have none. A guest that is defined without it runs at a tenth of the speed for as long as its definition
 * stands. So where KVM has worked once, not to find it means that this is no time to define anything, and to look again.
 */
import { HypervisorError } from '../hypervisor.js';
import type { Capabilities } from './capabilities.js';

export interface AccelerationOptions {
  accelerator: 'auto' | 'kvm' | 'tcg';
  /**
   * Whether guests really run with KVM, by running one: an openable /dev/kvm proves nothing. Who is patient asks once more,
   * and waits longer, before no answer is taken for a no.
   */
  kvmWorks(emulator: string, architecture: string, isPatient: boolean): Promise<boolean>;
  /** Hears what was found out, when that is something else than before; left out: nobody does. */
  found?(accelerator: 'kvm' | 'tcg'): void;
}

export class Acceleration {
  readonly #options: AccelerationOptions;
  /** Null before it was found out. */
  #works: boolean | null = null;

  constructor(options: AccelerationOptions) {
    this.#options = options;
  }

  /** @throws HypervisorError `unavailable` where it was there before */
  async isThere({ domainTypes, emulator, architecture }: Capabilities): Promise<boolean> {
    const { accelerator, kvmWorks, found } = this.#options;
    if (accelerator !== 'auto') return accelerator === 'kvm';
    const isPatient = this.#works !== false;
    const works = domainTypes.includes('kvm') && (await kvmWorks(emulator, architecture, isPatient));
    if (!works && this.#works === true) {
      const what = domainTypes.includes('kvm')
        ? 'a guest did not run with it now'
        : 'libvirt offers it no more';
      throw new HypervisorError('unavailable', `KVM has worked on this host, and ${what}: it is tried again`);
    }
    if (works !== this.#works) found?.(works ? 'kvm' : 'tcg');
    this.#works = works;
    return works;
  }
}
