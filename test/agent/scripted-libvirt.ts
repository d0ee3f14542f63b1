/**
 * A libvirtd that tests play: its domains are a map, and whoever asks about one whose lock is held waits for as long as the
 * test likes. Callers do not: their deadline passes at once, as if it were a long time later.
 */
import { type Connection, DEADLINE_CODE, DomainState, LibvirtError } from '../../native/index.js';

const capabilities = (kinds: readonly string[]) =>
  `<capabilities><host><cpu><arch>x86_64</arch></cpu></host><guest><os_type>hvm</os_type><arch name='x86_64'>
  <emulator>/q</emulator><machine>q35</machine>${kinds.map((kind) => `<domain type='${kind}'/>`)}</arch></guest></capabilities>`;

export class ScriptedLibvirt {
  readonly uids = new Set<string>();
  /** Domains that somebody holds inside libvirtd: who asks about them hangs, and who asks about all. */
  readonly held = new Set<string>();
  /** Calls that were made, as `method` or `method uid`. */
  readonly calls: string[] = [];
  domainTypes = ['qemu', 'kvm'];
  #lost: ((reason: number) => void)[] = [];
  #hanging: { uids: readonly string[]; comeBack: () => void }[] = [];

  /** How many calls hang in it. */
  get hanging(): number {
    return this.#hanging.length;
  }

  /** Instead of `openConnection`. */
  readonly connectTo = async (): Promise<Connection> => {
    const stuck: Promise<void>[] = [];
    const connection = {
      uri: 'qemu:///system',
      onClose: (listener: (reason: number) => void) => this.#lost.push(listener),
      onEvent: async () => async () => undefined,
      close: async () => {
        await Promise.all(stuck);
      },
      libVersion: async () => 9_000_000,
      hypervisorVersion: async () => 9_000_000,
      nodeInfo: async () => ({ cpus: 1, memoryKib: 1_048_576, sockets: 1, cores: 1, threads: 1 }),
      capabilities: async () => capabilities(this.domainTypes),
      poolDefine: async () => ({ active: true }),
      allDomainStats: this.#call(stuck, 'allDomainStats', () =>
        [...this.uids].map((uuid) => ({ uuid, name: uuid, values: { 'state.state': DomainState.RUNNING } })),
      ),
      domainList: this.#call(stuck, 'domainList', () => [...this.uids].map((uuid) => ({ uuid, name: uuid }))),
      domainXml: this.#call(stuck, 'domainXml', () => '<domain/>'),
      domainLookup: this.#call(stuck, 'domainLookup', (uuid) => ({ uuid, name: uuid })),
      domainInfo: this.#call(stuck, 'domainInfo', () => ({
        state: DomainState.RUNNING,
        reason: 1,
        vcpus: 1,
        maxMemoryKib: 65_536,
        autostart: false,
      })),
      domainGetMetadata: this.#call(stuck, 'domainGetMetadata', () => null),
      domainDefine: async () => undefined,
      domainJobStats: this.#call(stuck, 'domainJobStats', () => ({ type: 0, values: {} })),
    };
    return connection as unknown as Connection;
  };

  /** The domain's lock is let go of, and what hung because of it comes back. */
  release(uid: string): void {
    this.held.delete(uid);
    const isOver = ({ uids }: { uids: readonly string[] }) => !uids.some((each) => this.held.has(each));
    for (const { comeBack } of this.#hanging.filter(isOver)) comeBack();
    this.#hanging = this.#hanging.filter((call) => !isOver(call));
  }

  /** All connections are gone. */
  break(): void {
    for (const listener of this.#lost.splice(0)) listener(1);
  }

  #call<T>(stuck: Promise<void>[], name: string, answer: (uid: string) => T) {
    return async (first?: unknown): Promise<T> => {
      const aboutOne = typeof first === 'string';
      this.calls.push(aboutOne ? `${name} ${first}` : name);
      const uids = aboutOne ? [first] : [...this.uids];
      if (!uids.some((uid) => this.held.has(uid))) return answer(aboutOne ? first : '');
      stuck.push(new Promise((comeBack) => this.#hanging.push({ uids, comeBack })));
      throw new LibvirtError('no answer in time', DEADLINE_CODE, 0, 2, name);
    };
  }
}
