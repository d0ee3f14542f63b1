/** What becomes of a VM when something happens to it, as it is said on the command line. */
import { Option } from 'commander';
import type { VmPolicy } from '../proto/gen/secovia/v1/VmPolicy.js';
import { flag } from './command.js';

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

/** What is said of a VM that is made. */
export interface PolicyOptions {
  onGuestShutdown: keyof typeof shutdownPolicies;
  onHostLoss: keyof typeof hostLossPolicies;
  onLeaseLoss: keyof typeof leaseLossPolicies;
  onDrain: keyof typeof drainPolicies;
  rebuildable?: true;
}

export function policyOptions(): Option[] {
  return [
    new Option('--on-guest-shutdown <policy>', 'what becomes of it when the guest shuts itself down')
      .choices(Object.keys(shutdownPolicies))
      .default('stay-stopped'),
    new Option('--on-host-loss <policy>', 'what becomes of it when its host is lost')
      .choices(Object.keys(hostLossPolicies))
      .default('wait'),
    new Option('--on-lease-loss <policy>', "what becomes of it when its host's lease has lapsed")
      .choices(Object.keys(leaseLossPolicies))
      .default('keep'),
    new Option('--on-drain <policy>', 'what a drain of its host may do to it while it runs')
      .choices(Object.keys(drainPolicies))
      .default('restart'),
    flag('--rebuildable', 'it may be made anew from its image when its host is lost with its disk'),
  ];
}

export function policyOf(options: PolicyOptions): VmPolicy {
  return {
    onGuestShutdown: shutdownPolicies[options.onGuestShutdown],
    rebuildable: options.rebuildable ?? false,
    onHostLoss: hostLossPolicies[options.onHostLoss],
    onLeaseLoss: leaseLossPolicies[options.onLeaseLoss],
    onDrain: drainPolicies[options.onDrain],
  };
}
