/**
 * Secovia's element in a domain's `<metadata>`: it says that the domain is ours, and what it has reached. It lives
 * and dies with the domain, so nothing here can disagree with libvirt.
 */
import type { VmMetadata } from '../hypervisor.js';
import { element, render, type XmlElement, XmlView } from './xml.js';

export const metadataNamespace = 'https://secovia.eu/xmlns/vm/1';
export const metadataPrefix = 'secovia';

function attributesOf(metadata: VmMetadata): XmlElement['attributes'] {
  const { uid, term, generation, specHash, rebootCount, diskMib } = metadata;
  return { uid, term, generation, specHash, rebootCount, diskMib };
}

/** The element as it stands in a domain's definition. */
export function metadataElement(metadata: VmMetadata): XmlElement {
  const namespace = { [`xmlns:${metadataPrefix}`]: metadataNamespace };
  return element(`${metadataPrefix}:vm`, { ...namespace, ...attributesOf(metadata) });
}

/** The element as libvirt wants it when it is changed later: it adds the prefix itself. */
export function metadataContent(metadata: VmMetadata): string {
  return render(element('vm', attributesOf(metadata)));
}

/** Null when the text is not an element that this agent, or one of a near version, has written. */
export function readMetadata(xml: string): VmMetadata | null {
  let view: XmlView | undefined;
  try {
    view = XmlView.parse(xml).first('vm');
  } catch {
    return null;
  }
  const uid = view?.attribute('uid');
  const number = (name: string): number => Number(view?.attribute(name) ?? Number.NaN);
  const term = number('term');
  const generation = number('generation');
  const rebootCount = number('rebootCount');
  if (uid === undefined || ![term, generation, rebootCount].every(Number.isSafeInteger)) return null;
  const specHash = view?.attribute('specHash') ?? '';
  const diskMib = number('diskMib');
  return { uid, term, generation, rebootCount, specHash, ...(diskMib > 0 ? { diskMib } : {}) };
}
