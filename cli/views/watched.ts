/**
 * What a watch has shown so far, and what is new about the next event. After a RESET everything is sent again; of that
 * only what differs is worth a line, and what is not sent again by SYNCED has gone.
 */
import type { Vm__Output } from '../../proto/gen/secovia/v1/Vm.js';
import type { WatchVmsResponse__Output } from '../../proto/gen/secovia/v1/WatchVmsResponse.js';
import { shortName, shortVmName } from '../values/names.js';
import { vmNote, vmState } from './vm.js';

export interface WatchLine {
  vm: string;
  state: string;
  host: string;
  note: string;
}

interface Seen {
  line: WatchLine;
  /** The round of RESETs in which it was last sent. */
  round: number;
}

export class Watched {
  readonly #seen = new Map<string, Seen>();
  #round = 0;
  #isSynced = false;

  /** Everything that there was has been sent, and of it nothing is left. */
  get isEmpty(): boolean {
    return this.#isSynced && this.#seen.size === 0;
  }

  /** The lines to show for an event; often none. */
  take(event: WatchVmsResponse__Output): WatchLine[] {
    switch (event.type) {
      case 'WATCH_EVENT_TYPE_UPDATED':
        return event.vm === null ? [] : this.#updated(event.vm);
      case 'WATCH_EVENT_TYPE_REMOVED':
        return event.vm === null ? [] : this.#removed(event.vm);
      case 'WATCH_EVENT_TYPE_RESET':
        this.#round++;
        this.#isSynced = false;
        return [];
      case 'WATCH_EVENT_TYPE_SYNCED':
        this.#isSynced = true;
        return this.#swept();
      default:
        return [];
    }
  }

  #updated(vm: Vm__Output): WatchLine[] {
    const line = lineOf(vm);
    const before = this.#seen.get(vm.uid)?.line;
    this.#seen.set(vm.uid, { line, round: this.#round });
    const same =
      before !== undefined &&
      before.state === line.state &&
      before.host === line.host &&
      before.note === line.note;
    return same ? [] : [line];
  }

  #removed(vm: Vm__Output): WatchLine[] {
    const before = this.#seen.get(vm.uid)?.line;
    this.#seen.delete(vm.uid);
    const line = lineOf(vm);
    const deleted = vm.state === 'VM_STATE_DELETED';
    // What was already shown as deleted needs no second line.
    if (deleted && before?.state === line.state) return [];
    return [deleted ? line : { ...line, note: 'no longer matches' }];
  }

  #swept(): WatchLine[] {
    const gone: WatchLine[] = [];
    for (const [uid, { line, round }] of this.#seen) {
      if (round === this.#round) continue;
      this.#seen.delete(uid);
      gone.push({ ...line, state: 'DELETED', note: 'gone while the connection was lost' });
    }
    return gone;
  }
}

function lineOf(vm: Vm__Output): WatchLine {
  return { vm: shortVmName(vm.name), state: vmState(vm), host: shortName(vm.host), note: vmNote(vm) };
}
