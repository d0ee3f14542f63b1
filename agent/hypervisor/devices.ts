/**
 * Which of the host's devices a domain gets for the extras that it asks for. What is taken is read from the domains
 * themselves, so there is no list that could disagree with them.
 */
import type { ExtraCatalogue } from '../inventory/extras.js';
import { HypervisorError } from './hypervisor.js';

/**
 * The addresses for these extras, those that the domain has already first.
 *
 * @throws HypervisorError when this host does not give away that many.
 */
export function chooseDevices(
  wanted: Readonly<Record<string, number>>,
  catalogue: ExtraCatalogue,
  own: ReadonlySet<string>,
  taken: ReadonlySet<string>,
): string[] {
  return Object.entries(wanted).flatMap(([name, count]) => {
    const known = Object.hasOwn(catalogue, name) ? catalogue[name] : undefined;
    if (known === undefined)
      throw new HypervisorError('invalid', `${name} is not among the extras of this host's settings`);
    if (typeof known === 'number') {
      if (count > known) throw new HypervisorError('invalid', tooFew(name, count, known));
      return [];
    }
    const free = known.filter((address) => !taken.has(address));
    if (count > free.length) throw new HypervisorError('invalid', tooFew(name, count, free.length));
    const kept = free.filter((address) => own.has(address));
    return [...kept, ...free.filter((address) => !own.has(address))].slice(0, count);
  });
}

const tooFew = (name: string, wanted: number, free: number): string =>
  `${wanted} of ${name} are asked for, and ${free} are free on this host`;
