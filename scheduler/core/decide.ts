/**
 * The one function that decides. It reads the state and a command and says what should change, or refuses; it
 * changes nothing itself. Clock and randomness come with the command, so the same state and command always give
 * the same answer.
 */
import type { Change } from './changes.js';
import type { CommandOf, CommandType, ReplyOf } from './commands.js';
import * as evacuations from './elsewhere/decide-evacuation.js';
import * as adoption from './elsewhere/decide-adoption.js';
import * as orphans from './elsewhere/decide-orphan.js';
import * as fences from './elsewhere/decide-fence.js';
import * as identities from './access/decide-identity.js';
import * as tokens from './access/decide-token.js';
import * as administrations from './decide-administration.js';
import * as enrolment from './decide-enrolment.js';
import * as hosts from './decide-host.js';
import * as images from './decide-image.js';
import * as operations from './decide-operation.js';
import * as pools from './decide-pool.js';
import * as sites from './decide-site.js';
import * as create from './decide-vm-create.js';
import * as vms from './decide-vm.js';
import * as drains from './moves/decide-drain.js';
import * as moves from './moves/decide-migrate.js';
import * as settling from './moves/decide-settle.js';
import * as leaveDrained from './moves/leave-drained.js';
import type { Refusal } from './refusal.js';
import type { State } from './state.js';
import * as agreements from './tenancy/decide-agreement.js';
import * as partners from './tenancy/decide-partner.js';
import * as quotas from './tenancy/decide-quota.js';
import * as residency from './tenancy/decide-residency.js';
import * as due from './tenancy/due.js';

/**
 * What a decision gives. `reply` is read after the changes have been applied, so that it can show the entity as it
 * has become.
 */
export type Decision<R> =
  | { changes: Change[]; reply: (state: State) => R; refusal?: undefined }
  | { refusal: Refusal };

export type Decider<T extends CommandType> = (
  state: State,
  command: CommandOf<T>,
  nowMs: number,
) => Decision<ReplyOf<T>>;

const deciders: { [T in CommandType]: Decider<T> } = {
  'federation.open': operations.openFederation,
  'clock.note': operations.noteClock,
  'recovery.enter': operations.enterRecovery,
  'recovery.end': operations.endRecovery,
  'site.create': sites.createSite,
  'site.update': sites.updateSite,
  'site.cordon': sites.cordonSite,
  'site.delete': sites.deleteSite,
  'administration.create': administrations.createAdministration,
  'administration.update': administrations.updateAdministration,
  'administration.move': administrations.moveAdministration,
  'administration.suspend': administrations.suspendAdministration,
  'administration.delete': administrations.deleteAdministration,
  'partner.create': partners.createPartner,
  'partner.update': partners.updatePartner,
  'partner.delete': partners.deletePartner,
  'quota.set': quotas.setQuota,
  'quota.delete': quotas.deleteQuota,
  'loan.create': quotas.createLoan,
  'loan.recall': quotas.recallLoan,
  'class.create': residency.createClass,
  'class.delete': residency.deleteClass,
  'residency.create': residency.createRule,
  'residency.update': residency.updateRule,
  'residency.delete': residency.deleteRule,
  'agreement.create': agreements.createAgreement,
  'agreement.update': agreements.updateAgreement,
  'agreement.recall': agreements.recallAgreement,
  'agreement.delete': agreements.deleteAgreement,
  'time.pass': due.passTime,
  'breaches.review': due.reviewBreaches,
  'attempts.note': (_state, { entries }) => ({
    changes: [{ type: 'attempts.refused', entries }],
    reply: () => null,
  }),
  'image.create': images.createImage,
  'image.delete': images.deleteImage,
  'pool.create': pools.createPool,
  'pool.update': pools.updatePool,
  'pool.delete': pools.deletePool,
  'identity.create': identities.createIdentity,
  'identity.update': identities.updateIdentity,
  'identity.delete': identities.deleteIdentity,
  'identity.certify': identities.certifyIdentity,
  'identity.revoke': identities.revokeIdentity,
  'token.create': tokens.createToken,
  'token.delete': tokens.deleteToken,
  'host.join': enrolment.joinHost,
  'host.hello': hosts.helloHost,
  'host.report': hosts.reportHost,
  'host.observe': hosts.observeHost,
  'host.disconnected': hosts.disconnectHost,
  'host.lapsed': hosts.lapseHost,
  'host.fence': fences.wantFence,
  'host.fence_order': fences.orderFence,
  'host.fence_end': fences.endFence,
  'host.fence_confirm': fences.confirmFence,
  'host.stop_proven': evacuations.proveStopped,
  'host.evacuate': evacuations.evacuateHost,
  'host.remove_orphan': orphans.removeOrphan,
  'host.slow': evacuations.slowEvacuation,
  'vm.evacuate': evacuations.evacuateVm,
  'host.cordon': hosts.cordonHost,
  'host.drain': drains.drainHost,
  'host.drain_pause': drains.pauseDrain,
  'host.undrain': drains.undrainHost,
  'vm.drain': leaveDrained.drainVm,
  'vm.move_settle': settling.settleMove,
  'vm.move_give_up': settling.giveUpMove,
  'vm.migrate': moves.migrateVm,
  'host.update': hosts.updateHost,
  'host.retire': hosts.retireHost,
  'host.quarantine': hosts.quarantineHost,
  'host.release': hosts.releaseHost,
  'host.renew': enrolment.renewHost,
  'host.revoke': enrolment.revokeHost,
  'vm.create': create.createVms,
  'vm.adopt': adoption.adoptOrphan,
  'vm.update': vms.updateVm,
  'vm.resize': vms.resizeVm,
  'vm.start': vms.startVm,
  'vm.stop': vms.stopVm,
  'vm.reboot': vms.rebootVm,
  'vm.delete': vms.deleteVm,
  'operation.cancel': operations.cancelOperation,
  'operation.time_out': operations.timeOutOperation,
};

export function decide<T extends CommandType>(
  state: State,
  command: CommandOf<T>,
  nowMs: number,
): Decision<ReplyOf<T>> {
  const decider = deciders[command.type] as Decider<T>;
  return decider(state, command, nowMs);
}
