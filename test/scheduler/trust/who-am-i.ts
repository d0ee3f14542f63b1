/**
 * The listener with nothing behind it but a method that says whom it takes the caller for, and a clock that the test turns:
 * real sockets and handshakes, and certificates of any age.
 */
import * as grpc from '@grpc/grpc-js';
import { pino } from 'pino';
import { type Credentials, secureChannel, type Trust } from '../../../proto/credentials.js';
import type { Caller } from '../../../scheduler/core/access/caller.js';
import type { Refusal } from '../../../scheduler/core/refusal.js';
import type { CertificateAuthority } from '../../../scheduler/trust/authority.js';
import { makeAuthority } from '../../../scheduler/trust/authority-folder.js';
import { CertificateCallers } from '../../../scheduler/trust/callers.js';
import { type ConnectionLimits, Connections, usualLimits } from '../../../scheduler/trust/connections.js';
import { listenSecurely, type SecureListener } from '../../../scheduler/trust/listener.js';
import { ServerCertificate } from '../../../scheduler/trust/server-certificate.js';
import type { TokenVerifier } from '../../../scheduler/trust/tokens.js';
import { federation } from '../api/secure-scheduler.js';
import { type Scope, temporaryFolder } from '../scope.js';

export type Answer = Caller | Refusal;

const paths = {
  who: '/test.Who/AmI',
  renew: '/secovia.v1.AgentService/RenewCertificate',
  link: '/secovia.v1.AgentService/Link',
};

export interface WhoOptions {
  limits?: Partial<ConnectionLimits>;
  tokens?: TokenVerifier;
  authority?: CertificateAuthority;
}

export class WhoAmI {
  nowMs = Date.now();
  /** Whose certificates are in the record, and good. */
  isMember = (_caller: Caller): boolean => true;
  readonly connections: Connections;
  #listener: SecureListener | null = null;

  private constructor(
    private readonly t: Scope,
    readonly authority: CertificateAuthority,
    limits: Partial<ConnectionLimits>,
  ) {
    this.connections = new Connections({ ...usualLimits, ...limits }, (caller) => this.isMember(caller));
  }

  static async start(t: Scope, options: WhoOptions = {}): Promise<WhoAmI> {
    const folder = temporaryFolder(t);
    const authority = options.authority ?? (await makeAuthority(folder, federation, null, Date.now()));
    const who = new WhoAmI(t, authority, options.limits ?? {});
    await who.#listen(folder, options.tokens ?? null);
    return who;
  }

  async #listen(folder: string, tokens: TokenVerifier | null): Promise<void> {
    const { authority, connections } = this;
    const now = () => this.nowMs;
    const callers = new CertificateCallers({ connections, tokens, now });
    const server = new grpc.Server();
    const same = (bytes: Buffer) => bytes;
    const method = (path: string) => ({
      path,
      requestStream: false,
      responseStream: false,
      requestSerialize: same,
      requestDeserialize: same,
      responseSerialize: same,
      responseDeserialize: same,
    });
    const handle: grpc.handleUnaryCall<Buffer, Buffer> = (call, callback) => {
      Promise.resolve(callers.of(call)).then((caller) => callback(null, Buffer.from(JSON.stringify(caller))));
    };
    server.addService(
      { who: method(paths.who), renew: method(paths.renew), link: method(paths.link) },
      { who: handle, renew: handle, link: handle },
    );
    this.#listener = await listenSecurely({
      server,
      host: '127.0.0.1',
      port: 0,
      log: pino({ level: 'silent' }),
      connections,
      certificate: new ServerCertificate(folder, authority, federation),
      trusted: { signer: authority.signer, federation },
      now,
    });
    this.t.teardown(() => {
      this.#listener?.stop();
      server.forceShutdown();
    });
  }

  /** As the scheduler does from time to time. */
  async refresh(): Promise<void> {
    await this.#listener?.refresh();
  }

  get port(): number {
    return this.#listener?.port ?? 0;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** A client that stays connected. */
  client(trust: Trust | Credentials): WhoClient {
    const client = new WhoClient(this.address, trust);
    this.t.teardown(() => client.close());
    return client;
  }

  /** Whom one call over a connection of its own is taken for. */
  async ask(trust: Trust | Credentials): Promise<Answer> {
    return this.client(trust).ask();
  }

  /** Who is nobody yet, and trusts this authority. */
  get trust(): Trust {
    return { authority: this.authority.rootPem, federation };
  }
}

export class WhoClient {
  readonly #client: grpc.Client;

  constructor(address: string, trust: Trust | Credentials) {
    const { credentials, options } = secureChannel(trust);
    this.#client = new grpc.Client(address, credentials, { ...options, 'grpc.use_local_subchannel_pool': 1 });
  }

  ask(what: keyof typeof paths = 'who', headers: Record<string, string> = {}): Promise<Answer> {
    const metadata = new grpc.Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.add(name, value);
    const same = (bytes: Buffer) => bytes;
    return new Promise((resolve, reject) => {
      const deadline = Date.now() + 10_000;
      this.#client.makeUnaryRequest(
        paths[what],
        same,
        same,
        Buffer.alloc(0),
        metadata,
        { deadline },
        (error, bytes) => (error ? reject(error) : resolve(JSON.parse(String(bytes)) as Answer)),
      );
    });
  }

  close(): void {
    this.#client.close();
  }
}
