/** Lists of certificates: which are good, and how one is added or revoked. They are values and are never changed. */
import type { Certificate } from './model.js';

/** The certificate that a host's connection was made with: signed by the authority, and perhaps recorded nowhere. */
export type Shown = Pick<Certificate, 'serial' | 'endMs' | 'keyHash'>;

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

/**
 * Whether a connection still proves whose it is: by a good certificate of its key, which may be newer than the one that it was
 * made with. That one itself need not be recorded: where the federation goes on from a backup, those that were issued
 * later are not, and their key is that of the ones before.
 */
export function isProven(certificates: readonly Certificate[], shown: Shown, nowMs: number): boolean {
  const known = ofItsKey(certificates, shown);
  if (known.length === 0 || known.some(isRevoked)) return false;
  return shown.endMs > nowMs || known.some((one) => isGood(one, nowMs));
}

/** Whether another certificate may be asked for with this one: it is good, or has ended lately. */
export function isRenewable(certificates: readonly Certificate[], shown: Shown, nowMs: number): boolean {
  return isProven(certificates, shown, nowMs - renewableMs);
}

/** With the one that a host has shown, if it is not recorded yet; whichever ends last stays the last. */
export function withShown(
  before: readonly Certificate[],
  shown: Shown,
  nowMs: number,
): readonly Certificate[] {
  if (before.some(({ serial }) => serial === shown.serial)) return before;
  const list = kept(before, nowMs);
  const at = list.findLastIndex(({ endMs }) => endMs <= shown.endMs) + 1;
  // A full list has no room for one that ends before all others.
  if (at === 0 && list.length >= certificatesKept) return before;
  return list.toSpliced(at, 0, { ...shown, issuedMs: nowMs }).slice(-certificatesKept);
}

/** Whether its key was taken away from its owner. */
export function isOfRevokedKey(certificates: readonly Certificate[], shown: Shown): boolean {
  return ofItsKey(certificates, shown).some(isRevoked);
}

function ofItsKey(certificates: readonly Certificate[], { serial, keyHash }: Shown): Certificate[] {
  return certificates.filter(
    (one) => one.serial === serial || (one.keyHash !== undefined && one.keyHash === keyHash),
  );
}

function isRevoked({ revokedMs }: Certificate): boolean {
  return revokedMs !== undefined;
}

function kept(certificates: readonly Certificate[], nowMs: number): Certificate[] {
  return certificates.filter(({ endMs }) => endMs > nowMs - renewableMs);
}
