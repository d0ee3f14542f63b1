/**
 * VMs that a scenario has from the start: they hold what they hold on the hosts where they are, whatever the rules would
 * say of that today. It is how a federation that grew over years is put up as it is.
 */
import { creationsPerDecision } from '../core/decide-vm-create.js';
import type { Vm } from '../core/model.js';
import type { Cluster } from './cluster.js';
import type { PresentVms } from './format-vms.js';
import { at, Impossible } from './impossible.js';

export function addPresentVms(cluster: Cluster, entries: readonly PresentVms[]): void {
  const { state } = cluster;
  const vms: Vm[] = [];
  const firstSequence = (state.sequence + 1) * creationsPerDecision;
  for (const [index, entry] of entries.entries()) {
    at(['vms', index], () => {
      for (const name of entry.names) vms.push(presentVm(cluster, entry, name, firstSequence + vms.length));
    });
  }
  state.addVms(vms);
  // What is made from now on comes after them.
  state.sequence += 1 + Math.ceil(vms.length / creationsPerDecision);
  // They were not placed, so they may be where they may not be.
  cluster.run({ type: 'breaches.review', administrations: [...state.administrations.keys()] });
}

function presentVm(
  cluster: Cluster,
  { host, numaCells, agreement, displaced, parked, deletionProtection, createdMs, shape }: PresentVms,
  id: string,
  createdSequence: number,
): Vm {
  const { state } = cluster;
  const {
    vcpus,
    memoryMib,
    diskMib,
    image,
    pool,
    placement,
    priority,
    extras,
    hugepageKib,
    numa,
    dataClass,
  } = cluster.shape(shape);
  const imageUid = state.images.get(image)?.uid;
  if (imageUid === undefined) throw new Impossible(`there is no image "${image}"`);
  if (host !== undefined && !state.hosts.has(host)) throw new Impossible(`host "${host}" joins only later`);
  const cells = host === undefined ? 0 : (numa?.cells ?? 0);
  if ((numaCells?.length ?? 0) !== cells) throw new Impossible(`"cells" must name ${cells} of its host`);
  if (agreement !== undefined) checkAgreement(cluster, agreement, host);
  const power = displaced || parked || host === undefined ? 'stopped' : 'running';
  return {
    uid: cluster.draw('vm'),
    administration: cluster.administrationOf(shape),
    id,
    title: '',
    labels: {},
    spec: {
      vcpus,
      memoryMib,
      diskMib,
      imageUid,
      pool,
      ...(extras === undefined ? {} : { extras }),
      ...(hugepageKib === undefined ? {} : { hugepageKib }),
      ...(numa === undefined ? {} : { numa }),
    },
    policy: { onGuestShutdown: 'stay_stopped', rebuildable: false },
    placement,
    desired: power,
    state: host === undefined ? 'failed' : power,
    stateMs: createdMs,
    host: host ?? null,
    term: 1,
    generation: 1,
    observedGeneration: 1,
    rebootCount: 0,
    observedRebootCount: 0,
    rebootMode: 'graceful',
    stopMode: 'graceful',
    stopGraceSeconds: 60,
    refusedBy: [],
    deletionProtection,
    ...(priority === undefined ? {} : { priority }),
    ...(dataClass === undefined ? {} : { dataClass }),
    ...(agreement === undefined ? {} : { agreement }),
    ...(displaced ? { displacedFor: 'somebody' } : {}),
    ...(parked ? { parked } : {}),
    ...(cells === 0 ? {} : { numaCells }),
    operation: null,
    fault: null,
    revision: 1,
    createdSequence,
    createdMs,
    updatedMs: createdMs,
  };
}

/** An agreement is about sites of one partner. */
function checkAgreement({ state }: Cluster, id: string, host: string | undefined): void {
  const agreement = state.tenancy.agreements.get(id);
  const site = host === undefined ? undefined : state.sites.get(state.hosts.get(host)?.site ?? '');
  if (site === undefined) throw new Impossible('"agreement" is only for a VM that has a host');
  if (agreement?.partner === site.partner) return;
  throw new Impossible(
    `agreement "${id}" is about sites of partner "${agreement?.partner}", and host "${host}" is on one of "${site.partner}"`,
  );
}
