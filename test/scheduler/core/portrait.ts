/**
 * A state as plain data: every entity and every index that decisions read, in a form in which two states can be
 * compared whole. Entries that say nothing (a claim of zero) are left out, since they may be there or not.
 */
import type { Resources, Vm } from '../../../scheduler/core/model.js';
import type { State } from '../../../scheduler/core/state.js';
import type { Quota } from '../../../scheduler/core/tenancy/model.js';
import type { Meter } from '../../../scheduler/core/tenancy/tree.js';

const sorted = <T>(entries: Iterable<[string, T]>) =>
  [...entries].sort(([a], [b]) => (a < b ? -1 : 1)) as [string, T][];

const copy = <T>(value: T): T => structuredClone(value);

export function entitiesOf(state: State) {
  return copy({
    federation: state.federation,
    sequence: state.sequence,
    lastMs: state.lastMs,
    sites: sorted(state.sites),
    administrations: sorted(state.administrations),
    images: sorted(state.imagesByUid),
    pools: sorted(state.pools),
    hosts: sorted(state.hosts),
    vms: vmsInOrder(state),
    operations: sorted(state.operations),
    partners: sorted(state.tenancy.partners),
    quotas: sorted(state.tenancy.quotas),
    loans: sorted(state.tenancy.loans),
    classes: sorted(state.tenancy.classes),
    rules: sorted(state.tenancy.rules),
    agreements: sorted(state.tenancy.agreements),
    breaches: sorted(state.tenancy.breaches),
    identities: sorted(state.access.identities),
    tokens: sorted(state.access.tokens),
    audit: sorted([...state.audit.all()].map((number) => [number.partner, number.last])),
  });
}

export function indexesOf(state: State) {
  const table = state.hostTable;
  const nothing = ({ vcpus, memoryMib, diskMib, vms }: Readonly<Resources>) =>
    vcpus === 0 && memoryMib === 0 && diskMib === 0 && vms === 0;
  return copy({
    catalogue: sorted(state.images).map(([id, image]) => [id, image.uid]),
    imageUse: sorted(state.imageUse),
    poolClaimed: sorted(state.poolClaimedMib).filter(([, mib]) => mib !== 0),
    vmCount: state.vms.size,
    vmStates: sorted(state.vmStates.counts).filter(([, count]) => count !== 0),
    troubled: [...state.vmStates.troubled].map(({ uid }) => uid).sort(),
    uids: [...state.vms.values()].map((vm) => vm.uid).sort(),
    names: vmsInOrder(state).map((vm) => state.vmByName(vm.administration, vm.id)?.uid),
    free: sorted(state.hosts).map(([id]) => {
      const row = table.row(id) as number;
      return [
        id,
        table.freeVcpus[row],
        table.freeMemoryMib[row],
        table.freeDiskMib[row],
        table.freeVms[row],
        table.contentStarts[row],
        table.hosts[row]?.id,
      ];
    }),
    rows: table.count,
    claimed: sorted(state.hosts).map(([id]) => [id, table.claimed(id)]),
    extras: sorted(state.hosts).map(([id]) => [id, table.claimedExtras(id)]),
    cells: sorted(state.hosts).map(([id]) => [id, cellsOf(state, id)]),
    vmsOfHost: sorted(state.hosts).map(([id]) => [id, [...state.vmsOfHost(id)].map((vm) => vm.uid).sort()]),
    vmCountOfAdministration: sorted(state.administrations).map(([id]) => [
      id,
      state.vmCountOfAdministration(id),
    ]),
    claimOfAdministration: sorted(state.administrations)
      .map(([id]) => [id, state.claimOfAdministration(id)] as const)
      .filter(([, claim]) => !nothing(claim)),
    quotas: sorted(state.tenancy.quotas).map(([key, { administration, scope }]) => {
      const { used, borrowed, lent, limit } = state.tenancy.quotaUse({
        administration,
        scope,
      } as Quota) as Meter;
      return [key, { ...used }, { ...borrowed }, { ...lent }, limit];
    }),
    agreements: sorted(state.tenancy.agreements).map(([id]) => [id, { ...state.tenancy.agreementUse(id) }]),
    partners: sorted(state.tenancy.partners).map(([id]) => {
      const { offered, heldByOthers } = state.tenancy.partnerUse(id);
      return [id, { ...offered }, { ...heldByOthers }];
    }),
    ended: endedInOrder(state),
  });
}

/** What VMs hold of a host's cells, hugepages and whole CPUs. */
function cellsOf(state: State, host: string) {
  const claims = state.hostTable.claimsOnCells(host);
  if (claims === undefined) return null;
  const held = (amounts: ReadonlyMap<number, number>) => [...amounts].filter(([, mib]) => mib !== 0).sort();
  const cells = [...claims.cells].map(([id, { hugeMib, ...rest }]) => ({
    id,
    ...rest,
    hugeMib: held(hugeMib),
  }));
  return {
    vms: claims.vms,
    dedicatedCpus: claims.dedicatedCpus,
    hugeMib: held(claims.hugeMib),
    cells: cells.filter((cell) => cell.sharedVcpus + cell.dedicatedCpus > 0).sort((a, b) => a.id - b.id),
  };
}

/** Everything. */
export function portraitOf(state: State) {
  return { entities: entitiesOf(state), indexes: indexesOf(state) };
}

export function vmsInOrder(state: State): Vm[] {
  return [...state.vmOrder.after(0)];
}

/** Ids of the ended operations, the longest ago first: the queue is turned round once. */
export function endedInOrder({ endedOperations }: State): string[] {
  return Array.from({ length: endedOperations.length }, () => {
    const id = endedOperations.shift() as string;
    endedOperations.push(id);
    return id;
  });
}
