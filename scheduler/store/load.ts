/**
 * Rebuilds the state from what a store has: entities first, then the indexes that follow from them, then the decisions
 * that came after. What these changed is noted as touched, and so saved with the next commit.
 */
import { apply, oldPartner } from '../core/apply.js';
import type { JournalLine } from '../core/audit/line.js';
import { unhearOld } from '../core/lifecycle/unheard.js';
import type { Host, Image, Operation, Site, StoragePool, Vm } from '../core/model.js';
import type { Strategy } from '../core/placement/scorers/index.js';
import { State } from '../core/state.js';
import type { EntityKind } from '../core/touched.js';
import { UnknownChange } from '../core/unknown-change.js';
import { EntityTexts } from './entity-texts.js';
import { type JournalHead, type LoadHandlers, type LoadedRequest, type Store, StoreError } from './store.js';

export interface Loaded {
  state: State;
  head: JournalHead;
  requests: LoadedRequest[];
}

export async function loadState(store: Store, strategy?: Strategy): Promise<Loaded> {
  const { handlers, loaded } = loading(strategy);
  return loaded(await store.load(handlers));
}

/** What `loadState` does with what a store has, for whoever reads one at once: the handlers first, then `loaded`. */
export function loading(strategy?: Strategy): {
  handlers: LoadHandlers;
  loaded(head: JournalHead & { lastMs: number }): Loaded;
} {
  const state = new State(strategy);
  const hosts: Host[] = [];
  const vms: Vm[] = [];
  const operations: Operation[] = [];
  const requests: LoadedRequest[] = [];
  const decisions: string[] = [];
  const texts = new EntityTexts(state.alike);
  const handlers: LoadHandlers = {
    onEntity(kind, body) {
      const entity = parse(texts, kind, body);
      switch (kind) {
        case 'federation':
          state.federation = entity;
          break;
        case 'site':
          state.addSite(entity as Site);
          break;
        case 'administration':
          state.addAdministration(entity);
          break;
        case 'partner':
          state.tenancy.setPartner(entity);
          break;
        case 'quota':
          state.tenancy.setQuota(entity);
          break;
        case 'loan':
          state.tenancy.setLoan(entity);
          break;
        case 'class':
          state.tenancy.setClass(entity);
          break;
        case 'rule':
          state.tenancy.setRule(entity);
          break;
        case 'agreement':
          state.tenancy.setAgreement(entity);
          break;
        case 'breach':
          state.tenancy.setBreach(entity);
          break;
        case 'image':
          state.addImage(entity as Image);
          break;
        case 'pool':
          state.addPool(entity as StoragePool);
          break;
        case 'identity':
          state.access.identities.set(entity.id, entity);
          break;
        case 'token':
          state.access.tokens.set(entity.id, entity);
          break;
        case 'audit':
          state.audit.load(entity);
          break;
        case 'host':
          hosts.push(entity as Host);
          break;
        case 'vm':
          vms.push(entity as Vm);
          break;
        case 'operation':
          operations.push(entity);
          break;
      }
    },
    onDecision: (line) => decisions.push(line),
    onRequest: (request) => requests.push(request),
  };
  return { handlers, loaded };

  function loaded(head: JournalHead & { lastMs: number }): Loaded {
    notePartners(state);
    // Listings follow the order of creation, as they did before the restart.
    hosts.sort((a, b) => a.createdMs - b.createdMs || (a.id < b.id ? -1 : 1));
    vms.sort((a, b) => a.createdSequence - b.createdSequence);
    operations.sort((a, b) => a.createdSequence - b.createdSequence);
    for (const host of hosts) {
      unhearOld(state.federation, host);
      state.addHost(host);
    }
    state.addVms(vms);
    for (const operation of operations) state.operations.set(operation.id, operation);
    for (const operation of [...operations].sort((a, b) => a.endedMs - b.endedMs)) {
      if (operation.state !== 'running') state.endedOperations.push(operation.id);
    }
    state.sequence = head.sequence - decisions.length;
    for (const line of decisions) replay(state, line);
    state.lastMs = head.lastMs;
    return { state, head: { sequence: head.sequence, hash: head.hash }, requests };
  }
}

/** Sites from before there were partners name one that has no record. */
function notePartners(state: State): void {
  for (const { partner, country, createdMs } of state.sites.values()) {
    if (state.tenancy.partners.has(partner)) continue;
    const made = oldPartner(partner, country, createdMs);
    state.tenancy.setPartner(made);
    state.touched.write('partner', partner, made);
  }
}

/** Applies a decision of the journal once more. */
function replay(state: State, line: string): void {
  const next = state.sequence + 1;
  try {
    const [atMs, changes, , audience = {}] = JSON.parse(line) as JournalLine;
    for (const change of changes) apply(state, change, atMs);
    for (const [partner, number] of Object.entries(audience)) {
      state.audit.set(partner, typeof number === 'number' ? number : number[0], state.touched);
    }
    state.lastMs = atMs;
  } catch (error) {
    const { message } = error as Error;
    if (error instanceof UnknownChange) {
      throw new StoreError(
        `decision ${next} was written by a newer Secovia (${message}); install that version again, start it, and stop it with SIGTERM: what it has decided is then in its tables, and nothing of it need be lost`,
      );
    }
    throw new StoreError(
      `the store is damaged: decision ${next} cannot be applied (${message}); restore a backup`,
    );
  }
  state.sequence = next;
}

/** Bodies are read as they were written; the file's own checks do not cover what is inside a row. */
function parse(texts: EntityTexts, kind: EntityKind, body: string) {
  try {
    if (kind === 'vm') return texts.vm(body);
    if (kind === 'host') return texts.host(body);
    return JSON.parse(body);
  } catch (error) {
    throw new StoreError(
      `the store is damaged: a ${kind} in it cannot be read (${(error as Error).message}); restore a backup`,
    );
  }
}
