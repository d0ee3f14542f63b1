/** Decisions of the record as messages. */
import type { AuditEntry } from '../../proto/gen/secovia/v1/AuditEntry.js';
import type { ListedEntry, Visibility } from '../core/audit/questions.js';
import type { State } from '../core/state.js';
import { changeInSight } from './in-sight.js';
import { changeWords, reasonWords } from './audit-words.js';
import { timestamp } from './basics.js';
import { vmName } from './names.js';

/** Details above this are cut: the export has them whole. */
const mostDetail = 256 * 1024;

export function auditEntryMessage(state: State, entry: ListedEntry, visibility: Visibility): AuditEntry {
  const { sequence, atMs, by, resources, vms } = entry;
  const changes = entry.changes.map((change) => changeInSight(state, change, visibility));
  const nameOf = (uid: string): string => {
    const vm = state.vms.get(uid);
    return vm === undefined ? (vms[uid] ?? `vms/${uid}`) : vmName(vm.administration, vm.id);
  };
  const detail = JSON.stringify(changes);
  return {
    sequence,
    time: timestamp(atMs),
    identity: by.i ?? 'scheduler',
    onBehalf: by.f ?? '',
    method: by.m ?? '',
    requestId: by.r ?? '',
    changes: changes.map((change) => changeWords(change, nameOf)),
    resources: resources.map((name) => (name.startsWith('vms/') ? nameOf(name.slice('vms/'.length)) : name)),
    reason: [...new Set(changes.map(reasonWords))].filter(Boolean).join('; '),
    detail: detail.length > mostDetail ? '' : detail,
  };
}
