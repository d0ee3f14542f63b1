/** VMs on their way between hosts, and hosts that are drained, as messages. */
import type { DrainObstacle } from '../../proto/gen/secovia/v1/DrainObstacle.js';
import type { HostDrain as HostDrainMessage } from '../../proto/gen/secovia/v1/HostDrain.js';
import type { VmMove as VmMoveMessage } from '../../proto/gen/secovia/v1/VmMove.js';
import { drainProgress } from '../core/alarms/drain-progress.js';
import type { Host, Move, MovePhase, Vm } from '../core/model.js';
import type { State } from '../core/state.js';
import { timestamp } from './basics.js';
import { nameOf, vmName } from './names.js';

/** So many VMs that cannot leave are shown; how many are left is always exact. */
const shownObstacles = 20;

/** `sees` says whether a VM that cannot leave is in the reader's sight. */
export function drainMessage(
  state: State,
  host: Host,
  sees: (vm: Vm) => boolean = () => true,
): HostDrainMessage | null {
  const { drain } = host;
  if (drain === undefined) return null;
  const { left, moving, obstacles, isDrained } = drainProgress(state, host);
  const goesOn = drain.state === 'paused' ? 'HOST_DRAIN_STATE_PAUSED' : 'HOST_DRAIN_STATE_ACTIVE';
  return {
    state: isDrained ? 'HOST_DRAIN_STATE_DRAINED' : goesOn,
    startTime: timestamp(drain.sinceMs),
    deadline: timestamp(drain.deadlineMs ?? 0),
    vmsLeft: left,
    vmsMoving: moving,
    obstacles: obstacles
      .filter(({ vm }) => sees(vm))
      .slice(0, shownObstacles)
      .map(
        ({ vm, fault }): DrainObstacle => ({
          vm: vmName(vm.administration, vm.id),
          reason: fault.reason,
          message: fault.message,
        }),
      ),
  };
}

/** `nameOfHost` gives the names of hosts as the reader may know them. */
export function moveMessage(
  { host, move }: Vm,
  nameOfHost: (id: string) => string = (id) => nameOf('host', id),
): VmMoveMessage | null {
  if (move === undefined || host === null) return null;
  const { phase, peer, mode, sinceMs } = move;
  const [from, to] = phase === 'arriving' ? [peer, host] : [host, peer];
  return {
    from: nameOfHost(from),
    to: nameOfHost(to),
    mode: mode === 'live' ? 'MIGRATION_MODE_LIVE' : 'MIGRATION_MODE_COLD',
    startTime: timestamp(sinceMs),
    progress: moveProgress(move),
  };
}

const phases: Record<MovePhase, string> = {
  going_off: 'it goes off, to be moved',
  leaving: 'it is off, and its host lets go of it',
  arriving: 'it has left, and is to settle on its new host',
  getting_ready: 'its new host gets ready for it',
  handing_over: 'it is handed over while it runs',
  aborting: 'it is not handed over any more; it becomes clear where it runs',
  clearing: 'its new host has it, and what is paused on its old one is taken away',
};

/** How far it is, without the names of hosts, which not everybody is to know. */
export function moveProgress({ phase, left, arrived }: Move): string {
  if (left === true) return 'it has left, and its new host is to say that it has it';
  if (arrived === true && phase !== 'clearing')
    return 'its new host has it, and its old one is to say that it has left';
  return phases[phase];
}
