/** Takes the host with the lowest id: hosts late in the order stay empty. */
import type { Scorer } from './scorer.js';

export const firstFit: Scorer = {
  name: 'first-fit',
  score: (into, host) => {
    into[host] = 0;
  },
  bound: () => 0,
};
