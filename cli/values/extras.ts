/** Counted extras on the command line: `gpu:a30=2`, or `gpu:a30` for one of them. What is shown can be typed again. */
import { ValueError } from './value-error.js';

/** The contract's limits. */
const mostNames = 16;
const mostOfOne = 64;
const nameForm = /^[a-z0-9]([a-z0-9._/:-]{0,61}[a-z0-9])?$/;

export type Extras = Record<string, number>;

/** One more kind, added to those that came before it. */
export function addExtra(text: string, before: Extras = {}): Extras {
  const [name = '', count = '1', ...rest] = text.split('=');
  if (!nameForm.test(name)) {
    throw new ValueError(
      `${JSON.stringify(name)} cannot name an extra: write NAME=COUNT, for example gpu:a30=1.`,
    );
  }
  if (rest.length > 0 || !/^\d{1,2}$/.test(count) || Number(count) < 1 || Number(count) > mostOfOne) {
    throw new ValueError(`Write 1 to ${mostOfOne} of it, for example ${name}=2.`);
  }
  if (Object.hasOwn(before, name)) throw new ValueError(`The extra ${name} is given twice.`);
  if (Object.keys(before).length === mostNames)
    throw new ValueError(`At most ${mostNames} kinds of extras can be asked for.`);
  return { ...before, [name]: Number(count) };
}

/** `gpu:a30=2`, each as it is typed. */
export function formatExtras(extras: Readonly<Extras>): string[] {
  return Object.entries(extras).map(([name, count]) => `${name}=${count}`);
}
