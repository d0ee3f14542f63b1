/** Why a VM may not be where it is, in a sentence. */
import type { Breach } from './model.js';

export function breachSentence(breach: Breach): string {
  const { code, administration, dataClass, site, because } = breach;
  switch (code) {
    case 'NOT_LAWFUL':
      return because === null
        ? `no residency rule allows ${dataClass} data of "${administration}" on site "${site}", and without one they stay in their own country`
        : `residency rule "${because}" does not allow ${dataClass} data of "${administration}" on site "${site}"`;
    case 'NO_AGREEMENT':
      return `site "${site}" belongs to a partner that serves "${administration}" under no agreement`;
    case 'AGREEMENT_ENDED':
      return `agreement "${because}", under which it was placed, has ended`;
  }
}
