/**
 * What a shell is given so that Tab works: a few lines that ask `secovia __complete` and hand its answer on. The words
 * themselves come from the command tree of the installed version, so a script never grows old.
 */

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** The line that asks the shell to complete names of files. */
export const filesDirective = ':files';

export const completionScripts: Record<Shell, string> = {
  bash: `# Tab completion of secovia for bash. Use: source <(secovia completion bash)
_secovia() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == ${filesDirective} ]]; then
      compopt -o default
    else
      COMPREPLY+=("$line")
    fi
  done < <("\${COMP_WORDS[0]}" __complete bash -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _secovia secovia
`,
  zsh: `#compdef secovia
# Tab completion of secovia for zsh. Use: source <(secovia completion zsh)
_secovia() {
  local line
  local -a candidates
  for line in "\${(@f)$(_call_program secovia secovia __complete zsh -- "\${(@q)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ $line == ${filesDirective} ]]; then
      _files
      return
    fi
    [[ -n $line ]] && candidates+=("$line")
  done
  _describe secovia candidates
}
# As a file of fpath this is the function itself at its first call; otherwise it has been sourced.
if [[ $funcstack[1] == _secovia ]]; then
  _secovia "$@"
else
  compdef _secovia secovia
fi
`,
  fish: `# Tab completion of secovia for fish. Use: secovia completion fish | source
function __secovia_complete
    set -l current (commandline -ct)
    set -l words (commandline -opc) "$current"
    for line in (secovia __complete fish -- $words[2..-1] 2>/dev/null)
        if test "$line" = "${filesDirective}"
            __fish_complete_path "$current"
        else
            echo $line
        end
    end
end
complete -c secovia -f -a '(__secovia_complete)'
`,
};

/** How to keep it, for the help. */
export const completionAdvice = `Now:      source <(secovia completion bash)
For good: secovia completion bash > /etc/bash_completion.d/secovia
zsh:      secovia completion zsh > "\${fpath[1]}/_secovia"
fish:     secovia completion fish > ~/.config/fish/completions/secovia.fish`;
