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

const traitForm = /^[a-z0-9._/-]{1,63}$/;
const cpuTraitForm = /^cpu:[A-Za-z0-9._-]{1,63}$/;
const traitAdvice = 'Write one trait of up to 63 lower-case letters, digits and . _ / -, for example gpu/a30';

/** What an operator says of a host, e.g. `gpu/a30`. */
export function parseTrait(text: string): string {
  if (text.startsWith('cpu:')) {
    throw new ValueError('The cpu: traits are what the machine itself reports; leave this one out.');
  }
  if (!traitForm.test(text)) throw new ValueError(`${traitAdvice}.`);
  return text;
}

/** What a VM can ask of a host: what operators give, and the features of CPUs, e.g. `cpu:avx2`. */
export function parseWantedTrait(text: string): string {
  if (!traitForm.test(text) && !cpuTraitForm.test(text)) {
    throw new ValueError(`${traitAdvice}, or cpu: and a feature of the CPU, for example cpu:avx2.`);
  }
  return text;
}

/** `400` or `400%`. */
export function parseOvercommitPercent(text: string): number {
  const percent = Number(/^(\d{1,4})%?$/.exec(text)?.[1] ?? 0);
  if (percent < 10 || percent > 3200) {
    throw new ValueError('Write 10 to 3200 percent, for example 400%: four vCPUs for each CPU.');
  }
  return percent;
}

export function parsePriceTier(text: string): number {
  if (!/^\d{1,2}$/.test(text))
    throw new ValueError('Write a whole number from 0 to 99; cheap sites have low ones.');
  return Number(text);
}

/** How sensitive a data class is. */
export function parseClassLevel(text: string): number {
  if (!/^\d{1,3}$/.test(text) || Number(text) > 100)
    throw new ValueError(
      'Write a whole number from 0 to 100; public is 0, internal 10, personal 20, special 30.',
    );
  return Number(text);
}

export function parseRulePriority(text: string): number {
  if (!/^\d{1,4}$/.test(text) || Number(text) > 1000)
    throw new ValueError('Write a whole number from 0 to 1000; the rule with the higher one decides.');
  return Number(text);
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
