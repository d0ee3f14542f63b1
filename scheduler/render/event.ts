/** Events as messages. */
import type { Event as EventMessage } from '../../proto/gen/secovia/v1/Event.js';
import { eventCode } from '../core/audit/event-kinds.js';
import type { ListedEvent, Visibility } from '../core/audit/questions.js';
import { resourcesOf } from '../core/audit/resources.js';
import type { State } from '../core/state.js';
import { changeInSight } from './in-sight.js';
import { changeWords, reasonWords } from './audit-words.js';
import { timestamp } from './basics.js';
import { nameOf, vmName } from './names.js';

export function eventMessage(state: State, event: ListedEvent, visibility: Visibility): EventMessage {
  const { kind } = visibility;
  const { sequence, position, atMs, by, host, vms } = event;
  const change = changeInSight(state, event.change, visibility);
  const nameOfVm = (uid: string): string => {
    const vm = state.vms.get(uid);
    return vm === undefined ? (vms[uid] ?? `vms/${uid}`) : vmName(vm.administration, vm.id);
  };
  const [about = ''] = resourcesOf(change, new Map());
  // What its owner calls it or wishes for is nothing to those on whose host it is.
  const isOwnersWord = kind === 'partner' && change.type === 'vm.updated';
  return {
    sequence,
    position,
    time: timestamp(atMs),
    code: eventCode(change),
    message: isOwnersWord ? `VM ${nameOfVm(change.uid)} was changed` : changeWords(change, nameOfVm),
    about: about.startsWith('vms/') ? nameOfVm(about.slice('vms/'.length)) : about,
    host: host === null ? '' : nameOf('host', host),
    identity: by.i ?? 'scheduler',
    onBehalf: by.f ?? '',
    reason: reasonWords(change),
  };
}
