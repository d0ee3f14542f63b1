/** FederationService: the federation as a whole, and the end of a recovery. */
import type { EndRecoveryRequest__Output } from '../../proto/gen/secovia/v1/EndRecoveryRequest.js';
import type { Federation } from '../../proto/gen/secovia/v1/Federation.js';
import type { Caller } from '../core/access/caller.js';
import type { Engine } from '../engine.js';
import { sightOf } from './authorization.js';
import { Fields } from './fields.js';
import { type Answer, mutation, query } from './methods.js';
import { nameOf } from '../render/names.js';
import { timestamp } from '../render/basics.js';

export function federationService(version: string, startMs: number) {
  /** Of hosts and VMs those count that are in sight. */
  const message = (engine: Engine, caller: Caller): Federation => {
    const { state, head } = engine;
    const sight = sightOf(engine, caller);
    const sees = sight.hosts();
    const hosts = [...state.hosts.values()].filter((host) => host.state !== 'retired' && sees(host));
    return {
      title: state.federation.name,
      epoch: state.federation.epoch,
      version,
      sequence: head.sequence,
      siteCount: state.sites.size,
      hostCount: hosts.length,
      readyHostCount: hosts.filter((host) => host.state === 'ready').length,
      vmCount: sight.vmCount(),
      recoveringSites: state.federation.recoveringSites.map((id) => nameOf('site', id)),
      recoveryReason: state.federation.recoveryReason,
      startTime: timestamp(startMs),
    };
  };
  return {
    GetFederation: query((_request: object, { engine }, caller): Answer<object> => {
      return { response: { federation: message(engine, caller) } };
    }),
    EndRecovery: mutation((request: EndRecoveryRequest__Output, { engine }, caller) => {
      const fields = new Fields();
      const site = fields.name('site', 'site', request.site);
      if (fields.refusal) return { refusal: fields.refusal };
      const outcome = engine.run({ type: 'recovery.end', site, force: request.force });
      return outcome.refusal ? outcome : { response: { federation: message(engine, caller) } };
    }),
  };
}
