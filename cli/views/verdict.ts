/** What a verified export has shown, for people. */
import type { Verdict } from '../audit/verdict.js';
import { harmless } from '../output/harmless.js';

export function verdictText(verdict: Verdict): string {
  const { first, last, shown, erased, checkpoints, numbers, witnesses } = verdict;
  const federation = harmless(verdict.federation);
  const partner = verdict.partner === null ? null : harmless(verdict.partner);
  if (last < first) return `The file holds, and has no decisions of federation ${federation}.\n`;
  const lines = [
    `The file holds: decisions ${first} to ${last} of federation ${federation} are one chain, signed at ${count(checkpoints, 'point')}.`,
  ];
  const content = `the content of ${count(shown, 'decision')} is what was committed to`;
  if (partner === null) lines.push(`${capital(content)}; none is left out.`);
  else if (numbers === null) lines.push(`None of them concerns partner ${partner}.`);
  else {
    lines.push(
      `${capital(content)}: those of partner ${partner} with numbers ${numbers.first} to ${numbers.last}, and none between is left out.`,
    );
  }
  if (erased > 0)
    lines.push(`The content of ${count(erased, 'decision')} was erased, as the scheduler says.`);
  if (witnesses.confirmed > 0)
    lines.push(`It has ${count(witnesses.confirmed, 'checkpoint')} that agents have kept.`);
  if (witnesses.outside > 0) {
    lines.push(
      `Of ${count(witnesses.outside, 'checkpoint')} it says nothing: they are before or after these decisions.`,
    );
  }
  return `${lines.join('\n')}\n`;
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
