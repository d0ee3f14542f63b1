/** Alarms about certificates that nobody has renewed: of hosts, of the scheduler, and of the authority that signs them. */
import type { Host } from '../model.js';
import { momentWords } from '../moment.js';
import type { Alarm, OwnCertificate, Surroundings } from './alarm.js';

/** Hosts and the scheduler renew at two thirds of a certificate's life; one as old as this was not renewed. */
const renewedBy = 5 / 6;
const dayMs = 86_400_000;
const authorityWarningMs = 180 * dayMs;
const authorityCriticalMs = 30 * dayMs;

export function* hostCertificateAlarms(host: Host, nowMs: number): Generator<Alarm> {
  const newest = host.certificates?.at(-1);
  if (newest === undefined || newest.revokedMs !== undefined || host.state === 'retired') return;
  const { id } = host;
  const about = { kind: 'host', id } as const;
  const advice = `look at secovia-agent status on it, which says why it is not renewed`;
  const { issuedMs, endMs } = newest;
  const dueMs = overdueMs(issuedMs, endMs);
  if (nowMs >= endMs) {
    yield {
      code: 'HOST_CERTIFICATE_ENDED',
      severity: 'critical',
      about,
      sinceMs: endMs,
      message: `the certificate of host "${id}" has ended, and it is not let in`,
      advice: `${advice}; after thirty days it has to join again`,
    };
  } else if (nowMs >= dueMs) {
    yield {
      code: 'HOST_CERTIFICATE_ENDING',
      severity: 'warning',
      about,
      sinceMs: dueMs,
      message: `the certificate of host "${id}" ends ${momentWords(endMs)} and was not renewed`,
      advice,
    };
  }
}

export function* ownCertificateAlarms({ certificates, nowMs }: Surroundings): Generator<Alarm> {
  for (const certificate of certificates) {
    const alarm = certificate.of === 'scheduler' ? ofScheduler(certificate) : ofAuthority(certificate, nowMs);
    if (nowMs >= alarm.sinceMs) yield alarm;
  }
}

function ofScheduler({ issuedMs, endMs }: OwnCertificate): Alarm {
  return {
    code: 'SCHEDULER_CERTIFICATE_ENDING',
    severity: 'critical',
    about: { kind: 'federation' },
    sinceMs: overdueMs(issuedMs, endMs),
    message: `the scheduler's own certificate ends ${momentWords(endMs)} and was not renewed; after that nobody reaches it`,
    advice: 'look at the scheduler’s log for why it cannot be renewed; a restart tries it at once',
  };
}

function ofAuthority({ issuedMs, endMs }: OwnCertificate, nowMs: number): Alarm {
  const lifeMs = endMs - issuedMs;
  // One that was made to live for weeks is not about to end from its first day on.
  const criticalMs = endMs - Math.min(authorityCriticalMs, Math.round(lifeMs / 6));
  return {
    code: 'AUTHORITY_ENDING',
    severity: nowMs >= criticalMs ? 'critical' : 'warning',
    about: { kind: 'federation' },
    sinceMs: endMs - Math.min(authorityWarningMs, Math.round(lifeMs / 3)),
    message: `the certificate of the federation's authority ends ${momentWords(endMs)}; nothing that it signs lasts longer`,
    advice: 'plan its exchange now: everybody who calls, and every host, has to be given the new one before',
  };
}

function overdueMs(issuedMs: number, endMs: number): number {
  return Math.round(issuedMs + (endMs - issuedMs) * renewedBy);
}
