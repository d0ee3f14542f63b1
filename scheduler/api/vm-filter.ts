/** Which fields of a VM a filter can name. */
import type { Sight } from '../core/access/sight.js';
import type { Vm } from '../core/model.js';
import { priorityOf } from '../core/priority.js';
import { waitsForRestart } from '../core/resize.js';
import type { State } from '../core/state.js';
import type { FilterSchema } from './filter.js';
import { nameOf, vmName } from '../render/names.js';
import { shownStateOf, vmStateNames } from '../render/vm.js';

/** What a reader is not shown it cannot ask for either. */
export function vmFilterSchema(state: State, sight: Sight): FilterSchema<Vm> {
  const schema = schemaOf(state);
  if (sight.partner === null) return schema;
  const { title: _title, deletion_protection: _protection, priority: _priority, ...fields } = schema.fields;
  return { fields };
}

function schemaOf(state: State): FilterSchema<Vm> {
  return {
    fields: {
      name: (vm) => vmName(vm.administration, vm.id),
      uid: (vm) => vm.uid,
      title: (vm) => vm.title,
      state: (vm) => vmStateNames[shownStateOf(state, vm)].replace('VM_STATE_', ''),
      host: (vm) => (vm.host === null ? '' : nameOf('host', vm.host)),
      site: (vm) => {
        const site = vm.host === null ? undefined : state.hosts.get(vm.host)?.site;
        return site === undefined ? '' : nameOf('site', site);
      },
      image: (vm) => nameOf('image', state.imagesByUid.get(vm.spec.imageUid)?.id ?? ''),
      vcpus: (vm) => vm.spec.vcpus,
      memory_mib: (vm) => vm.spec.memoryMib,
      disk_mib: (vm) => vm.spec.diskMib,
      restart_required: waitsForRestart,
      moving: (vm) => vm.move !== undefined,
      deletion_protection: (vm) => vm.deletionProtection,
      priority: (vm) => priorityOf(vm).toUpperCase(),
    },
    maps: { labels: (vm) => vm.labels },
  };
}
