/** Decisions about administrations and their tree. */
import type { CommandOf } from './commands.js';
import type { Decision } from './decide.js';
import { staleEtag } from './etag.js';
import type { Administration } from './model.js';
import { alreadyExists, notFound, refuse } from './refusal.js';
import type { State } from './state.js';

/** How deep the tree may be: a country, its regions, their municipalities, and room for more. */
export const administrationDepthLimit = 8;

export function createAdministration(
  state: State,
  command: CommandOf<'administration.create'>,
  nowMs: number,
): Decision<Administration> {
  const { id, title, parent, country } = command;
  if (state.administrations.has(id)) return { refusal: alreadyExists('administration', id) };
  if (parent !== null) {
    if (!state.administrations.has(parent)) return { refusal: notFound('administration', parent) };
    if (depthOf(state, parent) >= administrationDepthLimit) {
      return {
        refusal: refuse(
          'precondition',
          'TREE_TOO_DEEP',
          `administrations can be nested ${administrationDepthLimit} deep, and "${parent}" is that deep already`,
          { limit: String(administrationDepthLimit) },
        ),
      };
    }
  }
  const administration: Administration = {
    id,
    title,
    parent,
    country,
    revision: 1,
    createdMs: nowMs,
    updatedMs: nowMs,
  };
  return { changes: [{ type: 'administration.created', administration }], reply: () => administration };
}

function depthOf(state: State, id: string): number {
  let depth = 0;
  for (let at: string | null = id; at !== null; at = state.administrations.get(at)?.parent ?? null)
    depth += 1;
  return depth;
}

export function deleteAdministration(
  state: State,
  command: CommandOf<'administration.delete'>,
): Decision<null> {
  const administration = state.administrations.get(command.id);
  if (administration === undefined) return { refusal: notFound('administration', command.id) };
  const stale = staleEtag(command.etag, administration.revision);
  if (stale) return { refusal: stale };
  const children = [...state.administrations.values()].filter((other) => other.parent === command.id).length;
  const vms = state.vmCountOfAdministration(command.id);
  if (children + vms > 0) {
    return {
      refusal: refuse(
        'precondition',
        'ADMINISTRATION_IN_USE',
        `administration "${command.id}" still has ${vms} VMs and ${children} administrations below it; delete them first`,
        { vms: String(vms), children: String(children) },
      ),
    };
  }
  const dedicated = [...state.hosts.values()].find(
    (host) => host.dedicatedTo === command.id && host.state !== 'retired',
  );
  if (dedicated !== undefined) {
    return {
      refusal: refuse(
        'precondition',
        'ADMINISTRATION_IN_USE',
        `host "${dedicated.id}" is dedicated to administration "${command.id}"; change that first`,
        { host: dedicated.id },
      ),
    };
  }
  return { changes: [{ type: 'administration.deleted', id: command.id }], reply: () => null };
}
