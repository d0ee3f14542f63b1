/**
 * Makes a failing script short: whole stretches are left out as long as the same rule is still broken, then smaller ones,
 * down to single entries (the ddmin of delta debugging, by complements). What cannot be left out is the story.
 */
import type { Entry } from './script.js';

/** `fails` plays a script, and says whether the rule is broken by it. */
export function shrink(
  script: readonly Entry[],
  fails: (script: readonly Entry[]) => boolean,
  mostTries: number,
): readonly Entry[] {
  let shortest = script;
  let tries = 0;
  for (let size = Math.ceil(script.length / 2); size >= 1 && tries < mostTries; ) {
    let isShorter = false;
    for (let from = 0; from < shortest.length && tries < mostTries; ) {
      const rest = [...shortest.slice(0, from), ...shortest.slice(from + size)];
      tries += 1;
      if (fails(rest)) {
        shortest = rest;
        isShorter = true;
      } else from += size;
    }
    if (size > 1) size = Math.ceil(size / 2);
    else if (!isShorter) break;
  }
  return shortest;
}
