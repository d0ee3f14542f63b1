/**
 * A site that keeps failover room is full when placing one more would leave less free, over all its usable hosts
 * together, than its largest host has: the VMs of a lost host could then not be started again on the others. It is a
 * bound on sums; whether each single VM would find a host is not looked at.
 */
import type { Resources } from '../../model.js';
import type { SiteRoom } from '../site-rooms.js';

export function leavesFailoverRoom({ free, largest }: SiteRoom, needs: Resources): boolean {
  return (
    free.vcpus - needs.vcpus >= largest.vcpus &&
    free.memoryMib - needs.memoryMib >= largest.memoryMib &&
    free.diskMib - needs.diskMib >= largest.diskMib
  );
}
