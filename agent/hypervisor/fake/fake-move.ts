/** A running domain on its way from one fake host to another: what each of them has of it meanwhile, and at the end. */
import { HypervisorError } from '../hypervisor.js';
import type { FakeDomain, FakeHost } from './fake-host.js';

/**
 * How it ends: it is there and no more here; it is there, and the daemon died before it could forget the domain, or lost its
 * connection and keeps it paused, since the disk is in use; or it is here as it was, or paused, because the daemon died.
 */
export type FakeMoveEnd =
  | 'arrived'
  | 'arrived and left a domain'
  | 'arrived and left it paused'
  | 'failed'
  | 'failed and left it paused';

/** Whether whoever had it begun is told that it has gone over. */
export const isSaidToHaveGone = (end: FakeMoveEnd): boolean =>
  end === 'arrived' || end === 'arrived and left a domain';

export class FakeMove {
  percent = 0;
  #end: FakeMoveEnd | null = null;
  readonly #waiting: ((end: FakeMoveEnd) => void)[] = [];

  constructor(
    private readonly source: FakeHost,
    private readonly domain: FakeDomain,
    private readonly target: FakeHost,
  ) {
    const { uid } = domain;
    if (target.inspect(uid) !== null) throw new HypervisorError('failed', `domain ${uid} exists there`);
    if (!target.hasVolumeOf(uid)) throw new HypervisorError('failed', 'cannot access its disk there');
    const arriving = structuredClone(domain);
    arriving.power = { kind: 'paused', reason: 'migration' };
    target.receive(arriving, this);
  }

  get isOver(): boolean {
    return this.#end !== null;
  }

  end(how: FakeMoveEnd): void {
    if (this.#end !== null) return;
    this.#end = how;
    const { uid } = this.domain;
    if (how.endsWith('paused')) this.source.setPower(uid, { kind: 'paused', reason: 'migration' });
    if (how.startsWith('failed')) this.target.lose(uid);
    else {
      if (how === 'arrived') this.source.lose(uid);
      else if (how === 'arrived and left a domain') this.source.powerOff(uid, 'migrated');
      this.target.setPower(uid, { kind: 'running' });
    }
    for (const tell of this.#waiting) tell(how);
  }

  whenOver(tell: (end: FakeMoveEnd) => void): void {
    if (this.#end === null) this.#waiting.push(tell);
    else tell(this.#end);
  }
}
