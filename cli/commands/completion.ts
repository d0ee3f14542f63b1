/** `secovia completion`: the lines that teach a shell to complete. */
import { defineCommand } from '../command.js';
import { completionAdvice, completionScripts, type Shell, shells } from '../completion/scripts.js';
import { usageFailure } from '../failure.js';

export const completion = defineCommand({
  usage: 'completion <shell>',
  summary: 'Print what teaches bash, zsh or fish to complete words',
  description: completionAdvice,
  examples: ['source <(secovia completion bash)'],
  async run(context, [word = '']) {
    if (!isShell(word)) throw usageFailure(`the shell is one of ${shells.join(', ')}.`);
    await context.out.write(completionScripts[word]);
  },
});

export function isShell(word: string): word is Shell {
  return shells.some((shell) => shell === word);
}
