/** O3: what an agent sees of its VMs arrives at the scheduler that it is connected to, in the end. */
import { observationMessage } from '../../../agent/link/wire.js';
import type { LinkRequest__Output } from '../../../proto/gen/secovia/v1/LinkRequest.js';
import type { Machine } from '../machine.js';
import type { Violate } from './violation.js';

interface Word {
  uid?: string;
  term?: number | undefined;
  generation?: number | undefined;
  state?: unknown;
}

const text = ({ term, generation, state }: Word): string => `${state} under ${term}.${generation}`;

export class NewsRules {
  /** By host, what has arrived last of each VM. */
  readonly #heard = new Map<string, Map<string, string>>();
  /** What was not heard at the last look: by machine, VM and what is said of it. */
  #missed = new Set<string>();

  constructor(private readonly violate: Violate) {}

  /** An agent's word arrives at the scheduler in charge. */
  onWord(host: string, { hello, observation }: LinkRequest__Output): void {
    if (hello) this.#heard.set(host, new Map(hello.observations.map((word) => [word.uid, text(word)])));
    if (observation) this.#heard.get(host)?.set(observation.uid, text(observation));
  }

  /** `steady`: machines whose agents were well connected at the last two looks. To be called every twenty seconds. */
  look(steady: readonly Machine[]): void {
    const missed = new Set<string>();
    for (const { name, host, agent } of steady) {
      const heard = this.#heard.get(host);
      for (const observation of agent?.core.converger.observations() ?? []) {
        const { uid } = observation;
        const seen = text(observationMessage(observation));
        const said = heard?.get(uid) ?? 'nothing';
        // What nobody has looked at yet, since libvirt does not answer, is said in a hello alone.
        const isUnseen = observation.state === 'unknown' && observation.generation === 0;
        if (said === seen || isUnseen) continue;
        const key = `${name} has seen of VM ${uid} that it is ${seen}, and the scheduler has heard ${said}`;
        if (this.#missed.has(key)) this.violate('O3', key);
        missed.add(key);
      }
    }
    this.#missed = missed;
  }
}
