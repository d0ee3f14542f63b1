/** Lists of certificates: which are good, and how one is added or revoked. They are values and are never changed. */
import type { Certificate } from './model.js';

/** A certificate that has ended is kept for as long as it may still be renewed. */
export const renewableMs = 30 * 24 * 3600 * 1000;

/** An owner has so many at most; the oldest go. */
export const certificatesKept = 16;

/** Good, or ended so lately that it may be renewed. */
export function withCertificate(
  before: readonly Certificate[],
  added: Certificate,
  nowMs: number,
): Certificate[] {
  return [...kept(before, nowMs), added].slice(-certificatesKept);
}

/** Without serials all of them are revoked. */
export function revoked(
  before: readonly Certificate[],
  serials: readonly string[],
  nowMs: number,
): Certificate[] {
  return kept(before, nowMs).map((certificate) =>
    certificate.revokedMs === undefined && (serials.length === 0 || serials.includes(certificate.serial))
      ? { ...certificate, revokedMs: nowMs }
      : certificate,
  );
}

function kept(certificates: readonly Certificate[], nowMs: number): Certificate[] {
  return certificates.filter(({ endMs }) => endMs > nowMs - renewableMs);
}
