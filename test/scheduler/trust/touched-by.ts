/** A commit that has written an identity or a host, as far as connections are concerned. */
import type { Certificate } from '../../../scheduler/core/access/model.js';
import { type EntityKind, entityKinds, type Touched } from '../../../scheduler/core/touched.js';

interface Written {
  id: string;
  certificates: Certificate[];
  disabled?: boolean;
}

export function touchedBy(written: Partial<Record<EntityKind, Written>>): Touched {
  const maps = Object.fromEntries(
    entityKinds.map((kind) => [kind, new Map(written[kind] ? [[written[kind].id, written[kind]]] : [])]),
  );
  const none = Object.fromEntries(entityKinds.map((kind) => [kind, new Map()]));
  return { written: maps, removed: none } as unknown as Touched;
}
