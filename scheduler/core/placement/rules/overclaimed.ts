/**
 * A machine that has less than its VMs hold, because it has shrunk, takes nothing new of any kind until they have what they
 * hold, or have left. Of vCPUs, memory and VMs every new one needs some, so that their want is named as such.
 */
import type { Rule } from './index.js';

export const overclaimed: Rule = {
  reads: 'host',
  code: 'HOLDS_TOO_MUCH',
  excludes: ({ hostTable }, { id }) => hostTable.isShort(hostTable.rowOf(id)),
};
