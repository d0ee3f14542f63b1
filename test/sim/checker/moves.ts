/**
 * O5: when a VM gets another owner, by what agents have said of it. Each host's last word about each VM is kept as it has
 * arrived, whatever the scheduler has made of it.
 */
import type { LinkRequest__Output } from '../../../proto/gen/secovia/v1/LinkRequest.js';
import type { Observation__Output } from '../../../proto/gen/secovia/v1/Observation.js';
import type { Move } from '../../../scheduler/core/model.js';
import type { Violate } from './violation.js';

type Said = Observation__Output['state'];

const without: ReadonlySet<Said> = new Set<Said>(['DOMAIN_STATE_ABSENT', 'DOMAIN_STATE_MISSING']);
const notThere: ReadonlySet<Said> = new Set<Said>([
  'DOMAIN_STATE_ABSENT',
  'DOMAIN_STATE_AWAITED',
  'DOMAIN_STATE_REFUSED',
  'DOMAIN_STATE_PREPARING',
]);

export class MoveRules {
  readonly #said = new Map<string, Said>();

  constructor(private readonly violate: Violate) {}

  /** An agent's word arrives at a scheduler. */
  onWord(host: string, { hello, observation }: LinkRequest__Output): void {
    for (const { uid, state } of hello?.observations ?? []) this.#said.set(`${host} ${uid}`, state);
    if (observation) this.#said.set(`${host} ${observation.uid}`, observation.state);
  }

  /** The host that a VM was promised to has it; `runs`: it is taken to run there already. */
  onHandedOver(uid: string, from: string, move: Move, isFromOff: boolean, runs: boolean): void {
    const { peer, mode, phase } = move;
    const ofOwner = this.#said.get(`${from} ${uid}`);
    // What has just arrived there, and is not taken, goes back.
    const isRefused = phase === 'arriving' && ofOwner === 'DOMAIN_STATE_REFUSED';
    if (!isFromOff && !isRefused && ofOwner !== undefined && !without.has(ofOwner))
      this.violate(
        'O5',
        `VM ${uid} goes from ${from} to ${peer}, and ${from} has said of it ${ofOwner} last`,
      );
    if (mode !== 'live' || !runs) return;
    const ofPeer = this.#said.get(`${peer} ${uid}`);
    if (ofPeer === undefined || notThere.has(ofPeer))
      this.violate('O5', `VM ${uid} is taken to run on ${peer}, which has said of it ${ofPeer} last`);
  }
}
