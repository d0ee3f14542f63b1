/**
 * Names as people type them and as the contract wants them. A user says `sofia-1` or `city/web`; the contract says
 * `sites/sofia-1` and `administrations/city/vms/web`. The contract's own form is taken as well, so that what
 * `--output name` prints can be handed to the next command.
 */
import { ValueError } from './value-error.js';

export type Collection =
  | 'sites'
  | 'hosts'
  | 'joinTokens'
  | 'administrations'
  | 'images'
  | 'storagePools'
  | 'operations'
  | 'partners'
  | 'dataClasses'
  | 'residencyRules'
  | 'agreements'
  | 'loans'
  | 'identities';

const nouns: Record<Collection, string> = {
  sites: 'a site',
  hosts: 'a host',
  joinTokens: 'a join token',
  administrations: 'an administration',
  images: 'an image',
  storagePools: 'a pool',
  operations: 'an operation',
  partners: 'a partner',
  dataClasses: 'a data class',
  residencyRules: 'a residency rule',
  agreements: 'an agreement',
  loans: 'a loan',
  identities: 'an identity',
};

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** What may stand between the slashes; the scheduler's own rules are narrower and have the last word. */
const segmentPattern = /^[\p{L}\p{N}._-]{1,253}$/u;

export function isUuid(text: string): boolean {
  return uuidPattern.test(text);
}

/** `sofia-1` or `sites/sofia-1` → `sites/sofia-1`. */
export function resourceName(collection: Collection, text: string): string {
  const id = text.startsWith(`${collection}/`) ? text.slice(collection.length + 1) : text;
  return `${collection}/${checkedSegment(id, nouns[collection], text)}`;
}

/** `sites/sofia-1` → `sofia-1`; what is not of that shape stays whole. */
export function shortName(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

/** `administrations/city/vms/web` → `city/web`. */
export function shortVmName(name: string): string {
  const match = /^administrations\/([^/]+)\/vms\/([^/]+)$/.exec(name);
  return match === null ? name : `${match[1]}/${match[2]}`;
}

/**
 * The contract's name of a VM: from `NAME` within an administration, `ADMINISTRATION/NAME`, a UUID, or the contract's
 * own forms.
 */
export function vmName(text: string, administration: string | undefined): string {
  const parts = text.split('/');
  if (parts.length === 4 && parts[0] === 'administrations' && parts[2] === 'vms') {
    return nested(parts[1]!, parts[3]!, text);
  }
  if (parts.length === 2 && parts[0] === 'vms' && isUuid(parts[1]!)) return text.toLowerCase();
  if (parts.length === 2) return nested(parts[0]!, parts[1]!, text);
  if (parts.length === 1 && isUuid(text)) return `vms/${text.toLowerCase()}`;
  if (parts.length === 1) {
    if (administration === undefined) {
      checkedSegment(text, 'a VM', text);
      throw new ValueError(
        `Which administration's VM is ${JSON.stringify(text)}? ` +
          `Write ADMINISTRATION/${text}, or say --administration, or set SECOVIA_ADMINISTRATION.`,
      );
    }
    return nested(shortName(administration), text, text);
  }
  throw new ValueError(
    `${JSON.stringify(text)} does not name a VM: write NAME, ADMINISTRATION/NAME or the VM's UUID.`,
  );
}

/** The administration and the id of a VM that is yet to be made: `NAME` or `ADMINISTRATION/NAME`. */
export function newVmName(
  text: string,
  administration: string | undefined,
): { parent: string; vmId: string } {
  const slash = text.indexOf('/');
  const owner = slash < 0 ? administration : text.slice(0, slash);
  if (owner === undefined) {
    throw new ValueError(
      `Whose VM shall it be? Say --administration, set SECOVIA_ADMINISTRATION, or write ADMINISTRATION/${text}.`,
    );
  }
  if (slash >= 0 && administration !== undefined && shortName(administration) !== owner) {
    throw new ValueError(
      `The name says administration ${owner} and the flag says ${shortName(administration)}: leave one out.`,
    );
  }
  return {
    parent: resourceName('administrations', owner),
    vmId: checkedSegment(text.slice(slash + 1), 'a VM', text),
  };
}

/** Names for a batch: `web` and 12 give `web-01` to `web-12`, so that they sort as they count. */
export function batchNames(vmId: string, count: number): string[] {
  const digits = String(count).length;
  return Array.from({ length: count }, (_, index) => `${vmId}-${String(index + 1).padStart(digits, '0')}`);
}

function nested(administration: string, vm: string, whole: string): string {
  checkedSegment(administration, 'an administration', whole);
  return `administrations/${administration}/vms/${checkedSegment(vm, 'a VM', whole)}`;
}

function checkedSegment(id: string, noun: string, whole: string): string {
  if (segmentPattern.test(id)) return id;
  throw new ValueError(`${JSON.stringify(whole)} cannot name ${noun}: use letters, digits and hyphens.`);
}
