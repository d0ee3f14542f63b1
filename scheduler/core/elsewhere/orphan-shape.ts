/**
 * What VM an orphan is. What its host has read of it is so; what nobody could read an operator says; and what is said must not
 * be something else than what is there, since an adoption changes nothing on the host.
 */
import type { CommandOf, VmShape } from '../commands.js';
import type { Host, Image, Orphan } from '../model.js';
import { notFound, type Refusal, refuse } from '../refusal.js';
import type { State } from '../state.js';

type Said = CommandOf<'vm.adopt'>['vm'];

const amounts = [
  { key: 'vcpus', field: 'vm.spec.vcpus', what: 'vCPUs', unit: '', how: 'how many' },
  { key: 'memoryMib', field: 'vm.spec.memory_mib', what: 'memory', unit: ' MiB', how: 'how much' },
  { key: 'diskMib', field: 'vm.spec.disk_mib', what: 'disk', unit: ' MiB', how: 'how much' },
] as const;

/** Whether a host has told that it has something of a VM that nobody knows. */
export function hasOrphan({ orphans }: Host, uid: string): boolean {
  return orphans.some((orphan) => orphan.includes(uid));
}

/** Whether that is a domain, which may run. */
export function hasDomain(host: Host, uid: string): boolean {
  const read = orphanRead(host, uid);
  if (read !== undefined) return read.kind === 'domain';
  return host.orphans.some((orphan) => isDomain(orphan) && orphan.endsWith(uid));
}

/** Of an orphan as its host tells of it to people. */
export const isDomain = (orphan: string): boolean => orphan.startsWith('domain ');

/** What a host has read of an orphan; undefined when it has not yet. */
export function orphanRead({ orphanVms }: Host, uid: string): Orphan | undefined {
  return orphanVms?.find((one) => one.uid === uid);
}

/** The shape of the VM that an orphan becomes. */
export function shapeOfOrphan(
  state: State,
  host: Host,
  orphan: Orphan,
  said: Said,
): VmShape | { refusal: Refusal } {
  const size = { vcpus: 0, memoryMib: 0, diskMib: 0 };
  for (const { key, field, what, unit, how } of amounts) {
    const read = orphan.size[key];
    const wanted = said[key];
    if (read > 0 && wanted > 0 && read !== wanted) {
      return { refusal: isOtherwise(field, `${read}${unit}`, what, `${wanted}${unit}`) };
    }
    if (read + wanted === 0) return { refusal: notKnown(field, `${how} ${what}`) };
    size[key] = read || wanted;
  }
  for (const [name, count] of Object.entries(orphan.extras ?? {})) {
    const wanted = said.extras?.[name] ?? count;
    if (wanted !== count) return { refusal: isOtherwise('vm.spec.extras', `${count}`, name, `${wanted}`) };
  }
  const image = imageOf(state, orphan, said.image);
  if ('refusal' in image) return image;
  const pool = poolOf(state, host, orphan);
  if (typeof pool !== 'string') return pool;
  const extras = { ...said.extras, ...orphan.extras };
  const { hugepageKib, numa } = orphan;
  return {
    ...size,
    image: image.id,
    pool,
    placement: said.placement,
    ...(Object.keys(extras).length === 0 ? {} : { extras }),
    ...(hugepageKib === undefined ? {} : { hugepageKib }),
    ...(numa === undefined ? {} : { numa }),
    ...(said.dataClass === undefined ? {} : { dataClass: said.dataClass }),
  };
}

function isOtherwise(field: string, has: string, what: string, wanted: string): Refusal {
  const description = `is ${has} on the host, and not ${wanted}; adopt it as it is, and change it then`;
  const message = `the orphan has ${has} ${what}, and not ${wanted}; adopt it as it is, and resize it then (secovia vm resize)`;
  return { ...refuse('invalid', 'ORPHAN_IS_OTHERWISE', message), violations: [{ field, description }] };
}

function notKnown(field: string, what: string): Refusal {
  const option = `--${field.split('.').at(-1)?.replace('_mib', '')}`;
  const message = `nobody on the host knows ${what} the orphan had; say it (${option})`;
  const violations = [{ field, description: 'is not known on the host; say it' }];
  return { ...refuse('invalid', 'ORPHAN_NOT_KNOWN', message), violations };
}

function imageOf(state: State, { imageDigest }: Orphan, said: string): Image | { refusal: Refusal } {
  if (said !== '') {
    const image = state.images.get(said);
    if (image === undefined) return { refusal: notFound('image', said) };
    if (imageDigest === '' || image.digest === imageDigest) return image;
    const message = `the orphan's disk was made from ${imageDigest}, and image "${said}" is ${image.digest}; name the image that it was made from`;
    return { refusal: imageFault('ORPHAN_IS_OTHERWISE', message) };
  }
  const [first] = [...state.images.values()]
    .filter(({ digest }) => imageDigest !== '' && digest === imageDigest)
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  if (first !== undefined) return first;
  const message =
    imageDigest === ''
      ? "nobody on the host knows from which image the orphan's disk was made; say it (--image)"
      : `the orphan's disk was made from ${imageDigest}, which the catalogue does not have; add that image first (secovia image add)`;
  return { refusal: imageFault('ORPHAN_NOT_KNOWN', message) };
}

function imageFault(reason: string, message: string): Refusal {
  const violations = [{ field: 'vm.spec.image', description: message }];
  return { ...refuse('invalid', reason, message), violations };
}

/** The storage pool of the host that has this folder. */
export function poolAt(state: State, host: Host, folder: string): string | undefined {
  for (const { id, path, site, hosts } of state.pools.values()) {
    if (path === folder && site === host.site && hosts.includes(host.id)) return id;
  }
  return undefined;
}

/**
 * Another host that mounts the pool and may run the orphan, which is off here: one that is not heard, and not proven to be off. What
 * is heard has told of what it has.
 */
export function unheardHostOfPool(
  state: State,
  host: Host,
  orphan: Orphan,
  pool: string,
): string | undefined {
  if (orphan.running) return undefined;
  return state.pools.get(pool)?.hosts.find((id) => {
    const stands = state.hosts.get(id)?.state;
    return id !== host.id && stands !== 'ready' && stands !== 'fenced' && stands !== 'retired';
  });
}

/** The storage pool that has the orphan's disk; empty for the host's own. */
function poolOf(state: State, host: Host, { poolPath }: Orphan): string | { refusal: Refusal } {
  if (poolPath === '') return '';
  const pool = poolAt(state, host, poolPath);
  if (pool !== undefined) return pool;
  const message = `the orphan's disk is in ${poolPath}, where no storage pool of host "${host.id}" is; make it one first (secovia pool create)`;
  return { refusal: refuse('precondition', 'ORPHAN_WITHOUT_POOL', message) };
}
