/** A partner's sites serve its own administrations, and others only under an agreement. */
import type { Rule } from './index.js';

export const service: Rule = {
  reads: 'profile',
  code: 'NO_AGREEMENT',
  excludes: ({ tenancy }, { site }, { administration, dataClass }) => {
    const { served } = tenancy.admission(administration, dataClass).service;
    return served !== null && !served.has(site);
  },
};
