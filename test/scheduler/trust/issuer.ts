/** An OpenID Connect issuer on loopback: it publishes keys, and signs whatever a test wants signed. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import type { Scope } from '../scope.js';

interface Key {
  id: string;
  privateKey: Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];
  published: object;
}

export class Issuer {
  /** How often its keys were asked for. */
  asked = 0;
  /** As long as it is set, nobody gets an answer but this status. */
  failing: number | null = null;
  /** What its discovery document says it is; itself when left out. */
  claimsToBe: string | null = null;
  readonly #keys: Key[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      if (this.failing !== null) return response.writeHead(this.failing).end();
      response.setHeader('content-type', 'application/json');
      if (request.url === '/.well-known/openid-configuration') {
        const document = { issuer: this.claimsToBe ?? this.url, jwks_uri: `${this.url}/keys` };
        return response.end(JSON.stringify(document));
      }
      this.asked += 1;
      return response.end(JSON.stringify({ keys: this.#keys.map(({ published }) => published) }));
    });
  }

  static async start(t: Scope): Promise<Issuer> {
    const issuer = new Issuer();
    await issuer.addKey('first');
    await new Promise<void>((resolve) => issuer.#server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => {
      issuer.#server.closeAllConnections();
      issuer.#server.close();
    });
    return issuer;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get keySet(): string {
    return JSON.stringify({ keys: this.#keys.map(({ published }) => published) });
  }

  async addKey(id: string): Promise<void> {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const published = { ...(await exportJWK(publicKey)), kid: id, alg: 'ES256', use: 'sig' };
    this.#keys.push({ id, privateKey, published });
  }

  /** A token that is good for an hour, with changes. Claims that are undefined are left out. */
  sign(claims: JWTPayload, keyId = 'first'): Promise<string> {
    const key = this.#keys.find(({ id }) => id === keyId);
    if (key === undefined) throw new Error(`no key ${keyId}`);
    const nowS = Math.floor(Date.now() / 1000);
    const usual = { iss: this.url, aud: 'secovia', sub: 'user-1', iat: nowS, exp: nowS + 3600 };
    return new SignJWT({ ...usual, ...claims })
      .setProtectedHeader({ alg: 'ES256', kid: keyId })
      .sign(key.privateKey);
  }
}
