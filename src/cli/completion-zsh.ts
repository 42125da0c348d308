/** The script for zsh; with what each command and option is for. */
import { placesOf, quoteWord, type CommandNode } from './completion-tree.ts'

export function zshCompletion (tree: readonly CommandNode[]): string {
  return `#compdef signet
# Completion of signet for zsh, as "signet completion zsh" prints it.

# What follows the command in $1: its commands (described, and bare), its options, and those that take a value.
_signet_describe () {
  verbs=() names=() flags=() taking=()
  case $1 in
${tree.map((node) => describe(node, tree)).join('\n')}
  esac
}

# The values that the option or the position $2 of the command in $1 takes.
_signet_values () {
  values=()
  case "$1 $2" in
${tree.flatMap(valueCases).join('\n')}
  esac
}

_signet () {
  local command='' word option='' place current i
  local -a verbs names flags taking values
  integer position=0
  _signet_describe ''
  for ((i = 2; i < CURRENT; i++)); do
    word=$words[i]
    if [[ -n $option ]]; then
      option=''
    elif [[ $word == --*=* ]]; then
      continue
    elif [[ $word == -?* ]]; then
      (( $taking[(Ie)$word] )) && option=$word
    elif (( $names[(Ie)$word] )); then
      command=\${command:+$command }$word
      _signet_describe "$command"
    else
      position+=1
    fi
  done
  current=$words[CURRENT]
  if [[ -z $option && $current == --*=* ]]; then
    option=\${current%%=*}
    compset -P '*='
  elif [[ -z $option && $current == -* ]]; then
    _describe -o 'option' flags
    return
  fi
  _signet_values "$command" "\${option:-$position}"
  if [[ $values == file ]]; then
    _files
  elif (( $#values )); then
    compadd -a values
  elif [[ -z $option ]] && (( $#verbs )); then
    _describe 'command' verbs
  fi
}

# Autoloaded from a folder of fpath this file is the function's body; sourced, it registers the function.
if [[ $funcstack[1] == _signet ]]; then
  _signet "$@"
else
  compdef _signet signet
fi
`
}

function describe ({ path, commands, options }: CommandNode, tree: readonly CommandNode[]): string {
  const explained = commands.map((name) => described(name, tree.find((node) => node.path === `${path} ${name}`.trim())?.description ?? ''))
  return `    ${quoteWord(path)})
      verbs=(${explained.join(' ')})
      names=(${commands.map(quoteWord).join(' ')})
      flags=(${options.map(({ flag, description }) => described(flag, description)).join(' ')})
      taking=(${options.filter(({ takesValue }) => takesValue).map(({ flag }) => quoteWord(flag)).join(' ')}) ;;`
}

/** As _describe reads it: a colon ends the word. */
function described (word: string, description: string): string {
  return quoteWord(`${word.replaceAll(':', '\\:')}:${description}`)
}

function valueCases (node: CommandNode): string[] {
  return placesOf(node).map(([place, values]) => `    ${quoteWord(`${node.path} ${place}`)}) values=(${(values === 'file' ? [values] : values).map(quoteWord).join(' ')}) ;;`)
}
