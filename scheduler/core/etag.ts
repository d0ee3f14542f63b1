/** Etags are revisions in words: a caller that names one changes only what it has seen. */
import type { StoragePool } from './model.js';
import { type Refusal, refuse } from './refusal.js';

export function etagOf(revision: number): string {
  return `"${revision}"`;
}

/** Pools from before they could be changed have none. */
export function poolRevision({ revision = 1 }: StoragePool): number {
  return revision;
}

/** A refusal when the caller's etag is not the current one; an empty etag accepts any. */
export function staleEtag(etag: string, revision: number): Refusal | null {
  if (etag === '' || etag === etagOf(revision)) return null;
  return refuse(
    'aborted',
    'ETAG_MISMATCH',
    `it has changed since you read it: your etag is ${JSON.stringify(etag)}, the current one is ${etagOf(revision)}; read it again and retry`,
    { current: etagOf(revision) },
  );
}
