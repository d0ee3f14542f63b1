/** Numbers, labels, ids and addresses on the command line: each with the sentence for what to type instead. */
import { isUuid } from './names.js';
import { ValueError } from './value-error.js';

const maxInt32 = 2 ** 31 - 1;

export const defaultPort = 7443;

/** A whole number of at least 1. */
export function parseCount(text: string): number {
  if (!/^\d+$/.test(text) || Number(text) < 1 || Number(text) > maxInt32) {
    throw new ValueError('Write a whole number of at least 1, for example 2.');
  }
  return Number(text);
}

/** `env=prod`, added to those that came before it. */
export function addLabel(text: string, labels: Record<string, string> | undefined): Record<string, string> {
  const equals = text.indexOf('=');
  if (equals < 1) throw new ValueError('Write KEY=VALUE, for example env=prod.');
  const key = text.slice(0, equals);
  if (key === '__proto__') throw new ValueError('A label cannot be called __proto__.');
  const before = labels ?? {};
  if (Object.hasOwn(before, key)) throw new ValueError(`The label ${JSON.stringify(key)} is given twice.`);
  return { ...before, [key]: text.slice(equals + 1) };
}

export function parseCountry(text: string): string {
  if (!/^[A-Za-z]{2}$/.test(text)) {
    throw new ValueError('Write the two letters of ISO 3166-1, for example BG.');
  }
  return text.toUpperCase();
}

export function parseUuid(text: string): string {
  if (!isUuid(text)) throw new ValueError('Write a UUID, for example from uuidgen.');
  return text.toLowerCase();
}

export function parseDigest(text: string): string {
  if (!/^sha256:[0-9a-f]{64}$/i.test(text)) {
    throw new ValueError('Write sha256: and the 64 digits that sha256sum prints.');
  }
  return text.toLowerCase();
}

/** `host`, `host:port`, `[::1]:port` → `host:port`. */
export function parseServer(text: string): string {
  if (text.includes('://'))
    throw new ValueError('Write ADDRESS:PORT without a scheme, for example 127.0.0.1:7443.');
  const match = /^(\[[0-9a-fA-F:.%]+\]|[^\s:[\]/]+)(?::(\d{1,5}))?$/.exec(text);
  const port = match?.[2] === undefined ? defaultPort : Number(match[2]);
  if (match === null || port < 1 || port > 65_535) {
    throw new ValueError('Write ADDRESS:PORT, for example 127.0.0.1:7443 or [::1]:7443.');
  }
  return `${match[1]}:${port}`;
}
