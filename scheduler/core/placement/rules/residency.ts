/** The law says where data of the VM's class may be. */
import type { Rule } from './index.js';

export const residency: Rule = {
  reads: 'profile',
  code: 'NOT_LAWFUL',
  excludes: ({ tenancy }, { site }, { administration, dataClass }) => {
    const { lawful } = tenancy.admission(administration, dataClass);
    return lawful !== null && !lawful.has(site);
  },
};
