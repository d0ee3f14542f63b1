/** What becomes of a VM when something happens to it, as it is said on the command line. */

export const shutdownPolicies = {
  'stay-stopped': 'GUEST_SHUTDOWN_POLICY_STAY_STOPPED',
  restart: 'GUEST_SHUTDOWN_POLICY_RESTART',
} as const;

export const hostLossPolicies = {
  wait: 'HOST_LOSS_POLICY_WAIT',
  restart: 'HOST_LOSS_POLICY_RESTART',
} as const;

/** `stop`: its agent takes its power when the host's lease has lapsed. */
export const leaseLossPolicies = {
  keep: 'LEASE_LOSS_POLICY_KEEP',
  stop: 'LEASE_LOSS_POLICY_STOP',
} as const;

/** `restart`: it is stopped and started elsewhere where it cannot leave while it runs; `live-only`: then it stays. */
export const drainPolicies = {
  restart: 'DRAIN_POLICY_RESTART',
  'live-only': 'DRAIN_POLICY_LIVE_ONLY',
} as const;
