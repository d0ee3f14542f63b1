/**
 * O5: when a VM gets another owner, by what agents have said of it. Each host's last word about each VM is kept as it has
 * arrived, whatever the scheduler has made of it.
 */
import type { LinkRequest__Output } from '../../../proto/gen/secovia/v1/LinkRequest.js';
import type { Observation__Output } from '../../../proto/gen/secovia/v1/Observation.js';
import type { By } from '../../../scheduler/core/audit/line.js';
import type { Move, Vm } from '../../../scheduler/core/model.js';
import type { State } from '../../../scheduler/core/state.js';
import type { Violate } from './violation.js';

type Said = Observation__Output['state'];

const without: ReadonlySet<Said> = new Set<Said>(['DOMAIN_STATE_ABSENT', 'DOMAIN_STATE_MISSING']);
const notThere: ReadonlySet<Said> = new Set<Said>([
  'DOMAIN_STATE_ABSENT',
  'DOMAIN_STATE_AWAITED',
  'DOMAIN_STATE_REFUSED',
  'DOMAIN_STATE_PREPARING',
]);

/** Phases in which an owner may say that it has nothing of the VM. */
const refuses: ReadonlySet<Move['phase']> = new Set<Move['phase']>([
  'arriving',
  'handing_over',
  'aborting',
  'clearing',
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
    // What has just arrived there, and is not taken, goes back; and of what has nothing to hand over nothing is there.
    const isRefused = refuses.has(phase) && ofOwner === 'DOMAIN_STATE_REFUSED';
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

/** A decision by which a VM is on its way no more, and not where it was to go. */
interface End {
  /** After it. */
  state: State;
  vm: Vm;
  was: { term: number; isOff: boolean; move: Move };
  by: By | undefined;
}

/** O2: what a host was told to let go of begins there anew under another term alone. `isMissing`: it is said to be there no more. */
export function judgeStay(end: End, isMissing: boolean, violate: Violate): void {
  const { uid, host, term } = end.vm;
  const { was } = end;
  if (was.move.phase === 'leaving' && term === was.term && !isMissing)
    violate('O2', `VM ${uid} was to leave ${host}, and stays there under term ${term}`);
  judgeAsked(end, violate);
}

/** O5: what has become of a VM that was handed over, only a host can say; of the other one, while its own is off, that one. */
export function judgeAsked({ state, vm, was, by }: End, violate: Violate): void {
  const { phase, mode, peer } = was.move;
  if (mode !== 'live' || phase === 'getting_ready') return;
  const other = state.hosts.get(peer)?.state;
  if (other === undefined || other === 'fenced' || other === 'retired') return;
  const speaker = /\/host\/(.*)$/.exec(by?.i ?? '')?.[1];
  if (speaker === peer || (speaker !== undefined && !was.isOff)) return;
  violate('O5', `VM ${vm.uid} is on ${vm.host} now, and ${peer} was not asked whether it has it`);
}
