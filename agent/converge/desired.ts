/**
 * One VM as the scheduler wants it, read from the wire and checked again on this side: a daemon that runs as root
 * takes nobody's word for a path, a size or an id. What is wrong is told in a sentence, and the VM is refused.
 */
import { createHash } from 'node:crypto';
import { isAbsolute, normalize } from 'node:path';
import type { Desired__Output } from '../../proto/gen/secovia/v1/Desired.js';
import type { Epoch__Output } from '../../proto/gen/secovia/v1/Epoch.js';
import type { Image__Output } from '../../proto/gen/secovia/v1/Image.js';
import type { VmSpec__Output } from '../../proto/gen/secovia/v1/VmSpec.js';
import { extraName, type Hardware, type ImageFormat } from '../hypervisor/hypervisor.js';
import { isPeerUri, peerUriForm } from './peer-uri.js';
import { isAllowedPool } from './pool-policy.js';

export type Role = 'run' | 'stopped' | 'send' | 'receive' | 'released' | 'deleted';

/** What of an orphan becomes the VM: its domain with its disk, or its disk, for which a domain is made. */
export type Adoption = 'domain' | 'disk';

export interface VmSize {
  vcpus: number;
  memoryMib: number;
  diskMib: number;
}

export interface ImageRef {
  name: string;
  /** 64 hexadecimal digits of SHA-256. */
  sha256: string;
  format: ImageFormat;
  /** 0 when the catalogue does not know it. */
  sizeBytes: number;
  virtualSizeMib: number;
  source: string;
}

export interface VmDesired {
  uid: string;
  role: Role;
  generation: number;
  term: number;
  /** `administrations/{administration}/vms/{vm}`; for people, never an identity. */
  vmName: string;
  /** Null only for the roles that take a VM away. */
  size: VmSize | null;
  /** Left out by those that ask for nothing of it. */
  hardware?: Hardware | undefined;
  /** Null for the roles that take a VM away, and where it is not needed because the disk exists. */
  image: ImageRef | null;
  storagePoolPath: string;
  restartsAfterGuestShutdown: boolean;
  /** It is started on another host when this one is lost: after a boot only a word of the scheduler starts it here. */
  restartsElsewhere: boolean;
  /** Its power is taken when the host's lease has ended, and given back by the scheduler's word under a new one. */
  stopsOnLeaseLoss: boolean;
  /** What is on its disk may be lost: it may begin anew from its image. */
  rebuildable: boolean;
  /** Its disk is there already, on the shared pool or adopted: there is no other one, and it is never this host's to remove. */
  diskExists: boolean;
  rebootCount: number;
  rebootForced: boolean;
  stopForced: boolean;
  stopGraceMs: number;
  /** It was an orphan until it was adopted: what of it here is its newest, whatever it is marked with. Left out by others. */
  adopts?: Adoption | undefined;
  /** `hosts/{host}` for `send` and `receive`; for people. */
  peer: string;
  /** Where `send` hands it over to; else empty. */
  peerUri: string;
}

/** What the scheduler has seen of a VM's stay on this host, for an agent that has lost what it had written down. */
export interface StaySeen {
  /** The domain was here under this term. */
  defined: boolean;
  /** It may have been handed over under this term. */
  handedOver: boolean;
}

export type DesiredReading =
  | { ok: true; desired: VmDesired; stay: StaySeen; epoch: Epoch__Output }
  /** `uid` is empty when not even that could be read. */
  | { ok: false; uid: string; term: number; generation: number; problem: string };

const limits = {
  vcpus: { min: 1, max: 512 },
  memoryMib: { min: 64, max: 16 * 1024 * 1024 },
  diskMib: { min: 1, max: 64 * 1024 * 1024 },
  extraNames: { min: 0, max: 16 },
  ofOneExtra: { min: 1, max: 64 },
  hugepageKib: [0, 2048, 1_048_576],
  cells: { min: 0, max: 8 },
  cellId: { min: 0, max: 4095 },
  stopGraceSeconds: { min: 0, max: 3600 },
  nameLength: 512,
  sourceLength: 4096,
  pathLength: 1024,
};
const defaultStopGraceMs = 60_000;
const uidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const nilUid = '00000000-0000-0000-0000-000000000000';
const controlCharacters = /[\p{Cc}\p{Zl}\p{Zp}]/u;

const roles: Record<Desired__Output['role'], Role | null> = {
  VM_ROLE_UNSPECIFIED: null,
  VM_ROLE_RUN: 'run',
  VM_ROLE_STOPPED: 'stopped',
  VM_ROLE_SEND: 'send',
  VM_ROLE_RECEIVE: 'receive',
  VM_ROLE_RELEASED: 'released',
  VM_ROLE_DELETED: 'deleted',
};

const adoptions: Record<Desired__Output['adoption'], Adoption | undefined> = {
  ADOPTION_UNSPECIFIED: undefined,
  ADOPTION_DOMAIN: 'domain',
  ADOPTION_DISK: 'disk',
};

export const isUid = (text: string): boolean => uidPattern.test(text) && text !== nilUid;

class Unreadable extends Error {}

function require(condition: boolean, problem: string): asserts condition {
  if (!condition) throw new Unreadable(problem);
}

const inRange = (value: number, range: { min: number; max: number }): boolean =>
  Number.isSafeInteger(value) && value >= range.min && value <= range.max;

function plainText(text: string, what: string, maxLength: number): string {
  require(text.length <= maxLength, `${what} is longer than ${maxLength} characters`);
  require(!controlCharacters.test(text), `${what} contains control characters`);
  require(!/\p{Surrogate}/u.test(text), `${what} is not well-formed text`);
  return text;
}

function readSize(spec: VmSpec__Output): VmSize {
  const { vcpus, memoryMib, diskMib } = spec;
  for (const [field, value] of Object.entries({ vcpus, memoryMib, diskMib })) {
    const range =
      field === 'vcpus' ? limits.vcpus : field === 'memoryMib' ? limits.memoryMib : limits.diskMib;
    require(inRange(value, range), `spec.${field} is ${value}, outside of ${range.min} to ${range.max}`);
  }
  return { vcpus, memoryMib, diskMib };
}

/** Undefined when nothing is asked for. */
function readHardware(spec: VmSpec__Output, numaCells: readonly number[]): Hardware | undefined {
  const extras = Object.entries(spec.extras).sort(([a], [b]) => (a < b ? -1 : 1));
  require(inRange(extras.length, limits.extraNames), `spec.extras names ${extras.length} extras`);
  for (const [name, count] of extras) {
    require(extraName.test(name), 'spec.extras has a name that no extra can have');
    require(inRange(count, limits.ofOneExtra), `spec.extras asks for ${count} of ${name}`);
  }
  const { hugepageSizeKib: hugepageKib, numa } = spec;
  const count = numa?.cells ?? 0;
  require(limits.hugepageKib.includes(hugepageKib), `spec.hugepage_size_kib is ${hugepageKib}`);
  require(inRange(count, limits.cells), `spec.numa.cells is ${count}`);
  require(numaCells.length === count, `numa_cells names ${numaCells.length} cells, and spec.numa ${count}`);
  require(numaCells.every(
    (id, index) => inRange(id, limits.cellId) && (index === 0 || id > (numaCells[index - 1] as number)),
  ), 'numa_cells are not ascending ids of cells');
  const dedicatedCpus = numa?.dedicatedCpus ?? false;
  require(!dedicatedCpus || count > 0, 'spec.numa.dedicated_cpus needs cells');
  const parts = Math.max(1, count);
  require(spec.vcpus % parts === 0, `spec.vcpus is ${spec.vcpus}, which ${parts} cells cannot share`);
  const step = parts * Math.max(1, hugepageKib / 1024);
  require(spec.memoryMib % step === 0, `spec.memoryMib is ${spec.memoryMib}, and not a multiple of ${step}`);
  if (extras.length + hugepageKib + count === 0) return undefined;
  return { extras: Object.fromEntries(extras), hugepageKib, cells: [...numaCells], dedicatedCpus };
}

function readImage(image: Image__Output): ImageRef {
  const digest = /^sha256:([0-9a-f]{64})$/.exec(image.digest);
  require(digest?.[1] !== undefined, 'image.digest is not sha256: and 64 hexadecimal digits');
  const format =
    image.format === 'IMAGE_FORMAT_QCOW2' ? 'qcow2' : image.format === 'IMAGE_FORMAT_RAW' ? 'raw' : null;
  require(format !== null, 'image.format is neither QCOW2 nor RAW');
  require(Number.isSafeInteger(image.sizeBytes) && image.sizeBytes >= 0, 'image.size_bytes is not a size');
  require(inRange(image.virtualSizeMib, {
    min: 0,
    max: limits.diskMib.max,
  }), 'image.virtual_size_mib is not a size');
  const source = plainText(image.source, 'image.source', limits.sourceLength);
  require(URL.canParse(source), 'image.source is not a URL');
  require(['http:', 'https:', 'file:'].includes(
    new URL(source).protocol,
  ), 'image.source is not an http, https or file URL');
  return {
    name: plainText(image.name, 'image.name', limits.nameLength),
    sha256: digest[1],
    format,
    sizeBytes: image.sizeBytes,
    virtualSizeMib: image.virtualSizeMib,
    source,
  };
}

function readPoolPath(path: string, poolDirectories: readonly string[]): string {
  if (path === '') return '';
  plainText(path, 'storage_pool_path', limits.pathLength);
  require(isAbsolute(path) && normalize(path) === path, 'storage_pool_path is not a plain absolute path');
  require(path !== '/' && !path.endsWith('/'), 'storage_pool_path is not a plain absolute path');
  require(isAllowedPool(
    path,
    poolDirectories,
  ), "storage_pool_path is not in one of this host's poolDirectories");
  return path;
}

function readOrThrow(
  message: Desired__Output,
  poolDirectories: readonly string[],
): DesiredReading & { ok: true } {
  const { uid, term, generation, epoch } = message;
  require(isUid(uid), 'uid is not a UUID in lower case');
  require(epoch !== null, 'epoch is missing');
  require(inRange(term, { min: 1, max: 2 ** 31 - 1 }), `term is ${term}, and terms begin with 1`);
  require(inRange(generation, { min: 1, max: 2 ** 31 - 1 }), `generation is ${generation}, not above 0`);
  const role = roles[message.role];
  require(role !== null && role !== undefined, 'role is not set');
  require(message.rebootCount >= 0, 'reboot_count is negative');
  require(inRange(
    message.stopGraceSeconds,
    limits.stopGraceSeconds,
  ), `stop_grace_seconds is ${message.stopGraceSeconds}, outside of 0 to ${limits.stopGraceSeconds.max}`);
  const makes = role === 'run' || role === 'stopped';
  const moves = role === 'send' || role === 'receive';
  const has = makes || moves;
  require(!has || message.spec !== null, 'spec is missing');
  require(role !== 'send' || isPeerUri(message.peerUri), `peer_uri is not like ${peerUriForm}`);
  const pool = message.storagePoolPath;
  require(!moves ||
    pool !== '', 'storage_pool_path is missing: a VM moves while it runs on a shared pool alone');
  require(!makes || message.image !== null || message.diskExists, 'image is missing');
  const adopts = makes ? adoptions[message.adoption] : undefined;
  const desired: VmDesired = {
    uid,
    role,
    generation,
    term,
    vmName: plainText(message.vmName, 'vm_name', limits.nameLength),
    size: has && message.spec !== null ? readSize(message.spec) : null,
    hardware: has && message.spec !== null ? readHardware(message.spec, message.numaCells) : undefined,
    image: makes && message.image !== null ? readImage(message.image) : null,
    storagePoolPath: readPoolPath(message.storagePoolPath, poolDirectories),
    restartsAfterGuestShutdown: message.policy?.onGuestShutdown === 'GUEST_SHUTDOWN_POLICY_RESTART',
    restartsElsewhere: message.policy?.onHostLoss === 'HOST_LOSS_POLICY_RESTART',
    stopsOnLeaseLoss: message.policy?.onLeaseLoss === 'LEASE_LOSS_POLICY_STOP',
    rebuildable: message.policy?.rebuildable ?? false,
    // What arrives, or is adopted, has its disk.
    diskExists: message.diskExists || role === 'receive' || adopts !== undefined,
    ...(adopts === undefined ? {} : { adopts }),
    rebootCount: message.rebootCount,
    rebootForced: message.rebootMode === 'REBOOT_MODE_FORCE',
    stopForced: message.stopMode === 'STOP_MODE_FORCE',
    stopGraceMs: message.stopGraceSeconds > 0 ? message.stopGraceSeconds * 1000 : defaultStopGraceMs,
    peer: plainText(message.peer, 'peer', limits.nameLength),
    peerUri: role === 'send' ? message.peerUri : '',
  };
  if (desired.size !== null && desired.image !== null) {
    require(desired.size.diskMib >=
      desired.image
        .virtualSizeMib, `spec.diskMib is ${desired.size.diskMib}, less than the image's ${desired.image.virtualSizeMib}`);
  }
  const { defined, handedOver } = message;
  return { ok: true, desired, stay: { defined, handedOver }, epoch };
}

/**
 * Reads and checks what the scheduler sent about one VM. Never throws. Shared pools may be in `poolDirectories`, and
 * nowhere else.
 */
export function readDesired(message: Desired__Output, poolDirectories: readonly string[]): DesiredReading {
  try {
    return readOrThrow(message, poolDirectories);
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    const uid = isUid(message.uid) ? message.uid : '';
    return {
      ok: false,
      uid,
      term: message.term,
      generation: message.generation,
      problem: error.message,
    };
  }
}

/** What of a VM its domain is made from, as one short text: when it changes, the domain must be redefined. */
export function specHash(desired: VmDesired): string {
  const { size, storagePoolPath, hardware } = desired;
  const content = [size?.vcpus, size?.memoryMib, size?.diskMib, storagePoolPath];
  const parts = hardware === undefined ? content : [...content, hardware];
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
}
