/** Administrations in the order of their tree, those of one parent by name. */
import type { Administration__Output } from '../../proto/gen/secovia/v1/Administration.js';

export interface InTree {
  administration: Administration__Output;
  /** 0 for the one at the top. */
  depth: number;
}

/** All of them, or the subtree of `top`. One whose parent is not among them is a root. */
export function inTreeOrder(administrations: readonly Administration__Output[], top?: string): InTree[] {
  const names = new Set(administrations.map(({ name }) => name));
  const childrenOf = new Map<string, Administration__Output[]>();
  for (const each of [...administrations].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const parent = names.has(each.parent) ? each.parent : '';
    const siblings = childrenOf.get(parent);
    if (siblings === undefined) childrenOf.set(parent, [each]);
    else siblings.push(each);
  }
  const ordered: InTree[] = [];
  const add = (administration: Administration__Output, depth: number) => {
    ordered.push({ administration, depth });
    for (const child of childrenOf.get(administration.name) ?? []) add(child, depth + 1);
  };
  const tops =
    top === undefined ? (childrenOf.get('') ?? []) : administrations.filter(({ name }) => name === top);
  for (const each of tops) add(each, 0);
  return ordered;
}
