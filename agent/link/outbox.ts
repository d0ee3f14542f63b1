/**
 * What waits to be sent to the scheduler, bounded by the number of VMs: of each VM only its newest observation, of
 * the host only its newest report. A repeat is shed, a fact is not (PROTOCOL.md S4).
 */
import type { FenceResult } from '../../proto/gen/secovia/v1/FenceResult.js';
import type { Report } from '../../proto/gen/secovia/v1/Report.js';
import { fingerprint, type VmObservation } from '../converge/observation.js';

export class Outbox {
  readonly #observations = new Map<string, VmObservation>();
  readonly #sent = new Map<string, string>();
  #report: Report | null = null;
  /** By the ids of orders. What was not sent when a stream broke is sent on the next one. */
  readonly #fenceResults = new Map<string, FenceResult>();

  /** Starts over for a new stream whose Hello carried these observations. */
  greeted(observations: VmObservation[]): void {
    this.#observations.clear();
    this.#report = null;
    this.#sent.clear();
    for (const observation of observations) this.#sent.set(observation.uid, fingerprint(observation));
  }

  /** `again`: it is sent also when it was sent before. */
  addObservation(observation: VmObservation, again = false): void {
    if (again) this.#sent.delete(observation.uid);
    if (this.#sent.get(observation.uid) === fingerprint(observation)) {
      this.#observations.delete(observation.uid);
    } else {
      this.#observations.set(observation.uid, observation);
    }
  }

  addFenceResult(result: FenceResult): void {
    this.#fenceResults.set(result.id ?? '', result);
  }

  addReport(report: Report): void {
    // An inventory is sent once when it has changed: a newer report without one must not lose it.
    const inventory = report.inventory ?? this.#report?.inventory ?? null;
    this.#report = { ...report, inventory };
  }

  /** The next message, taken out; null when there is none. VMs may wait for a fence, so its result comes first. */
  take(): { fenceResult: FenceResult } | { observation: VmObservation } | { report: Report } | null {
    for (const [id, fenceResult] of this.#fenceResults) {
      this.#fenceResults.delete(id);
      return { fenceResult };
    }
    for (const observation of this.#observations.values()) {
      this.#observations.delete(observation.uid);
      this.#sent.set(observation.uid, fingerprint(observation));
      return { observation };
    }
    if (this.#report === null) return null;
    const report = this.#report;
    this.#report = null;
    return { report };
  }

  get size(): number {
    return this.#fenceResults.size + this.#observations.size + (this.#report === null ? 0 : 1);
  }
}
