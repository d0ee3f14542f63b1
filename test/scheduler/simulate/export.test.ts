/** A federation that was exported and loaded into a simulation places VMs where it would have placed them itself. */
import { test } from 'tap';
import { scenarioText, type FederationContents } from '../../../cli/export/scenario.js';
import type { Administration__Output } from '../../../proto/gen/secovia/v1/Administration.js';
import type { Host__Output } from '../../../proto/gen/secovia/v1/Host.js';
import type { Image__Output } from '../../../proto/gen/secovia/v1/Image.js';
import type { Site__Output } from '../../../proto/gen/secovia/v1/Site.js';
import type { StoragePool__Output } from '../../../proto/gen/secovia/v1/StoragePool.js';
import type { Vm__Output } from '../../../proto/gen/secovia/v1/Vm.js';
import { messageCodec } from '../../../proto/index.js';
import { findDisplacement } from '../../../scheduler/core/placement/displacement.js';
import { findHost } from '../../../scheduler/core/placement/search.js';
import type { PlacementRequest } from '../../../scheduler/core/placement/request.js';
import type { State } from '../../../scheduler/core/state.js';
import {
  administrationMessage,
  imageMessage,
  poolMessage,
  siteMessage,
} from '../../../scheduler/render/federation.js';
import { hostMessage } from '../../../scheduler/render/host.js';
import { nameOf } from '../../../scheduler/render/names.js';
import { vmMessage } from '../../../scheduler/render/vm.js';
import { setUp } from '../../../scheduler/simulate/set-up.js';
import { simulate } from '../../../scheduler/simulate/simulate.js';
import { read } from '../../../scheduler/simulate/source.js';
import { FederationHistory } from '../core/placement/federation-history.js';

/** A message as a client gets it. */
function sent<Out>(name: string, message: object): Out {
  const codec = messageCodec<object, Out>(`secovia.v1.${name}`);
  return codec.deserialize(codec.serialize(message));
}

function contentsOf(state: State): FederationContents {
  return {
    title: 'A "test" of: everything',
    recoveringSites: state.federation.recoveringSites.map((site) => nameOf('site', site)),
    sites: [...state.sites.values()].map((site) => sent<Site__Output>('Site', siteMessage(state, site))),
    administrations: [...state.administrations.values()].map((each) =>
      sent<Administration__Output>('Administration', administrationMessage(state, each)),
    ),
    images: [...state.images.values()].map((image) => sent<Image__Output>('Image', imageMessage(image))),
    pools: [...state.pools.values()].map((pool) =>
      sent<StoragePool__Output>('StoragePool', poolMessage(state, pool)),
    ),
    hosts: [...state.hosts.values()].map((host) => {
      const message = hostMessage(state, host, () => 0);
      const inventory = host.inventory === null ? null : { ...host.inventory, total: host.capacity };
      return sent<Host__Output>('Host', { ...message, inventory });
    }),
    vms: [...state.vms.values()].map((vm) => sent<Vm__Output>('Vm', vmMessage(state, vm))),
  };
}

async function exported(state: State): Promise<string> {
  let text = '';
  for await (const part of scenarioText(contentsOf(state))) text += part;
  return text;
}

function answer(state: State, request: PlacementRequest): object {
  const row = findHost(state, request);
  const displacement = findDisplacement(state, request, 'high');
  return {
    host: state.hostTable.hosts[row]?.id,
    displaces: [displacement?.host.id, displacement?.vms.map(({ id }) => id)],
  };
}

test('a federation that is exported and loaded gives the same answers', async (t) => {
  let placed = 0;
  for (let seed = 1; seed <= 12; seed += 1) {
    const history = new FederationHistory(seed);
    for (let step = 0; step < 700; step += 1) history.step();
    const { state } = history;
    const text = await exported(state);
    const copy = setUp(read(text).scenario).state;
    // The size of slots is learned now and then, and after a start: the copy has just started.
    state.hostTable.index.reconsider();
    for (const { id } of state.hosts.values()) {
      t.same(copy.hostTable.claimed(id), state.hostTable.claimed(id), `${seed}: what VMs hold of ${id}`);
    }
    for (let time = 0; time < 60; time += 1) {
      const request = history.request();
      const [theirs, ours] = [answer(copy, request), answer(state, request)];
      if ('host' in ours && ours.host !== undefined) placed += 1;
      if (JSON.stringify(theirs) !== JSON.stringify(ours))
        t.same(theirs, ours, `${seed}: ${JSON.stringify(request)}`);
    }
    const lines = (written: string) => written.split('\n').sort();
    t.same(lines(await exported(copy)), lines(text), `${seed}: the copy is written alike`);
  }
  t.ok(placed > 100, `${placed} placed`);
});

test('a loss is tried on an exported federation', async (t) => {
  const history = new FederationHistory(4);
  for (let step = 0; step < 500; step += 1) history.step();
  const text = await exported(history.state);
  const report = simulate(
    `${text}steps:\n  - lose: { site: s0 }\n  - evacuate: { site: s0 }\n  - join: { ids: "n{1..5}", site: s1, memory: 64Gi }\n  - evacuate: { site: s0 }\n`,
  );
  const [, first, , second] = report.steps.map(({ outcome }) => outcome);
  if (first?.kind !== 'placed' || second?.kind !== 'placed') throw new Error('no evacuation');
  t.ok(
    first.vms.length > 5 && second.vms.length === first.refused.length,
    'those that went are not there any more',
  );
  t.ok(second.refused.length < first.refused.length, 'more room takes more of them');
});
