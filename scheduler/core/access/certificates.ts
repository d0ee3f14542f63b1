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

/** Those of one key are left out: nothing stands against whoever has shown that it holds that key. */
export function revokedBut(before: readonly Certificate[], keyHash: string, nowMs: number): Certificate[] {
  const serials = before.filter((one) => one.keyHash !== keyHash).map(({ serial }) => serial);
  return serials.length === 0 ? kept(before, nowMs) : revoked(before, serials, nowMs);
}

export function isGood({ endMs, revokedMs }: Certificate, nowMs: number): boolean {
  return revokedMs === undefined && endMs > nowMs;
}

/** With it another may be asked for. */
export function isRenewable({ endMs, revokedMs }: Certificate, nowMs: number): boolean {
  return revokedMs === undefined && endMs > nowMs - renewableMs;
}

/**
 * The newest good certificate of the key that this one is of: what a connection proves that was made with it, and that
 * outlives it. Undefined when there is none any more.
 */
export function provenBy(
  certificates: readonly Certificate[],
  serial: string,
  nowMs: number,
): Certificate | undefined {
  const shown = certificates.find((one) => one.serial === serial);
  if (shown === undefined || shown.revokedMs !== undefined) return undefined;
  const newer = certificates.findLast(
    (one) => one.keyHash !== undefined && one.keyHash === shown.keyHash && isGood(one, nowMs),
  );
  return newer ?? (isGood(shown, nowMs) ? shown : undefined);
}

function kept(certificates: readonly Certificate[], nowMs: number): Certificate[] {
  return certificates.filter(({ endMs }) => endMs > nowMs - renewableMs);
}
