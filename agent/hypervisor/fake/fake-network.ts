/** Fake hosts that reach one another, by the addresses of their libvirts. */
import type { FakeHost } from './fake-host.js';

export class FakeNetwork {
  readonly #hosts = new Map<string, FakeHost>();

  join(uri: string, host: FakeHost): void {
    this.#hosts.set(uri, host);
    host.network = this;
  }

  /** Its libvirt is not reached any more. */
  cut(uri: string): void {
    this.#hosts.delete(uri);
  }

  find(uri: string): FakeHost | undefined {
    return this.#hosts.get(uri);
  }
}
