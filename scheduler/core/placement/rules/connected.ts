/** A host takes VMs only while its agent is connected and its libvirt answers. */
import type { Rule } from './index.js';

export const connected: Rule = {
  reads: 'host',
  code: 'HOST_NOT_CONNECTED',
  excludes: (_state, host) => host.state !== 'ready',
};
