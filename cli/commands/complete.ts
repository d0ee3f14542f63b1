/** `secovia __complete SHELL -- WORDS...`: asked by the shells' completion, not by people. */
import { defineCommand } from '../command.js';
import { type Candidate, complete } from '../completion/candidates.js';
import { filesDirective } from '../completion/scripts.js';
import { harmless } from '../output/harmless.js';

/** Bash hands over `--output=js` as three words and `127.0.0.1:74` as well. */
const bashSeparators = new Set(['=', ':']);

export const completeWords = defineCommand({
  usage: '__complete <shell> [words...]',
  summary: 'Answer a shell that completes words',
  examples: [],
  hidden: true,
  async run(context, [shell = '', ...typed]) {
    const words = shell === 'bash' ? joinedWords(typed) : typed;
    const { buildProgram } = await import('../program.js');
    const found = complete(await buildProgram(words, async () => undefined), words);
    if (found.kind === 'files') return context.line(filesDirective);
    let candidates: Candidate[];
    if (found.kind === 'words') candidates = found.candidates;
    else {
      const { completeNames } = await import('../completion/names.js');
      candidates = await completeNames(found, context.settings, context.world);
    }
    const current = words[words.length - 1] ?? '';
    for (const each of candidates) await context.line(lineFor(shell, each, current));
  },
});

/** The words as they were typed. */
function joinedWords(words: readonly string[]): string[] {
  const joined: string[] = [];
  let open = false;
  for (const word of words) {
    const separates = bashSeparators.has(word);
    if ((separates || open) && joined.length > 0) joined[joined.length - 1] += word;
    else joined.push(word);
    open = separates;
  }
  return joined;
}

function lineFor(shell: string, { value, description }: Candidate, current: string): string {
  const said = harmless(description);
  switch (shell) {
    case 'bash':
      // Bash completes only what follows its last separator.
      return value.slice(Math.max(current.lastIndexOf('='), current.lastIndexOf(':')) + 1);
    case 'zsh':
      return said === '' ? escaped(value) : `${escaped(value)}:${said}`;
    default:
      return said === '' ? value : `${value}\t${said}`;
  }
}

/** For zsh, a colon ends the value. */
function escaped(value: string): string {
  return value.replaceAll(':', '\\:');
}
