/**
 * Renews the host's certificate while the agent runs, over connections of its own: the stream to the scheduler goes on
 * as it is, and the next one is made with the newest certificate. When to try is the plan's business.
 */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { type Credentials, secureChannel } from '../../proto/credentials.js';
import { requestFor } from '../../proto/signing-request.js';
import { CallFailed, renewCertificate } from './agent-call.js';
import { faultOf } from './certificate-check.js';
import { IdentityError, type IdentityFolder } from './identity-folder.js';
import { type CertificateStanding, RenewalPlan } from './renewal-plan.js';

export interface RenewerParts {
  folder: IdentityFolder;
  /** HOST:PORT. */
  scheduler: string;
  log: Logger;
  /** Milliseconds since 1970. */
  now(): number;
  /** Uniform in [0, 1). */
  random(): number;
}

/** Clocks are set, and machines sleep: nothing is slept through for longer than this. */
const longestSleepMs = 600_000;
const shortestSleepMs = 100;

export class CertificateRenewer {
  readonly #parts: RenewerParts;
  readonly #plan: RenewalPlan;
  #chain: string;
  #timer: NodeJS.Timeout | null = null;
  #stopped = false;
  /** Called when there is another certificate. */
  onRenewed: () => void = () => undefined;

  constructor(parts: RenewerParts, credentials: Credentials) {
    this.#parts = parts;
    this.#chain = credentials.chain;
    this.#plan = new RenewalPlan(parts.folder.validity(credentials), parts.random());
  }

  /** Renews a certificate that has ended before anything else is done, if the scheduler is there; then goes on by itself. */
  async start(): Promise<void> {
    if (this.#plan.hasEnded(this.#parts.now())) await this.#look();
    this.#sleep();
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  standing(): CertificateStanding {
    return this.#plan.standing(this.#parts.now());
  }

  #sleep(): void {
    if (this.#stopped) return;
    const pause = Math.min(longestSleepMs, Math.max(shortestSleepMs, this.#plan.nextMs - this.#parts.now()));
    this.#timer = setTimeout(() => void this.#look().then(() => this.#sleep()), pause);
  }

  async #look(): Promise<void> {
    const { folder, log, now, random } = this.#parts;
    try {
      const credentials = folder.read();
      if (credentials === null) throw new IdentityError(`there is no certificate in ${folder.path} any more`);
      if (credentials.chain !== this.#chain) {
        // Somebody has enrolled this host anew.
        this.#chain = credentials.chain;
        this.#plan.renewed(folder.validity(credentials), random());
        this.onRenewed();
      }
      if (this.#stopped || !this.#plan.isDue(now()) || this.#plan.isOver(now())) return;
      await this.#renew(credentials);
    } catch (error) {
      if (!(error instanceof CallFailed) && !(error instanceof IdentityError)) {
        log.error({ err: error }, 'renewing the certificate failed');
      }
      const message = (error as Error).message;
      const isFinal = error instanceof CallFailed && !error.isPassing;
      this.#plan.failed(message, isFinal, now(), random());
      log.warn(
        { event: 'certificate.not_renewed', again: new Date(this.#plan.nextMs).toISOString() },
        message,
      );
    }
  }

  async #renew(credentials: Credentials): Promise<void> {
    const { folder, scheduler, log, random } = this.#parts;
    const signingRequest = await requestFor(credentials.key);
    const request = { signingRequest, requestId: randomUUID() };
    const { certificateChain } = await renewCertificate(scheduler, secureChannel(credentials), request);
    const fault = faultOf(certificateChain, credentials);
    if (fault !== null) throw new IdentityError(fault);
    folder.renewed(certificateChain);
    const renewed = folder.read();
    if (renewed === null) throw new IdentityError(`there is no certificate in ${folder.path} any more`);
    this.#chain = renewed.chain;
    this.#plan.renewed(folder.validity(renewed), random());
    log.info({ event: 'certificate.renewed', until: new Date(renewed.endMs).toISOString() });
    this.onRenewed();
  }
}
