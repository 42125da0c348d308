/** The script for bash, of version 3.2 (macOS) and later. */
import { placesOf, quoteWord, type CommandNode } from './completion-tree.ts'

/** Where bash splits words at = it gives that as a word of its own. */
export function bashCompletion (tree: readonly CommandNode[]): string {
  return `# Completion of signet for bash, as "signet completion bash" prints it.

# What follows the command in $1: its commands, its options, and those of them that take a value.
_signet_describe () {
  commands='' options='' taking=''
  case $1 in
${tree.map(describe).join('\n')}
  esac
}

# The values that the option or the position $2 of the command in $1 takes.
_signet_values () {
  values=''
  case "$1 $2" in
${tree.flatMap(valueCases).join('\n')}
  esac
}

_signet () {
  local command='' commands options taking values word option='' position=0 i
  local current=\${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  _signet_describe ''
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ $word == '=' ]]; then
      continue
    elif [[ -n $option ]]; then
      option=''
    elif [[ $word == --*=* ]]; then
      continue
    elif [[ $word == -?* ]]; then
      [[ " $taking " == *" $word "* ]] && option=$word
    elif [[ " $commands " == *" $word "* ]]; then
      command=\${command:+$command }$word
      _signet_describe "$command"
    else
      position=$((position + 1))
    fi
  done
  [[ $current == '=' ]] && current=''
  if [[ -z $option && $current == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
    return
  fi
  _signet_values "$command" "\${option:-$position}"
  if [[ $values == file ]]; then
    local IFS=$'\\n'
    COMPREPLY=($(compgen -f -- "$current"))
    compopt -o filenames 2> /dev/null
  elif [[ -n $option ]]; then
    COMPREPLY=($(compgen -W "$values" -- "$current"))
  else
    COMPREPLY=($(compgen -W "$commands $values" -- "$current"))
  fi
}

complete -F _signet signet
`
}

function describe ({ path, commands, options }: CommandNode): string {
  const taking = options.filter(({ takesValue }) => takesValue)
  return `    ${quoteWord(path)})
      commands=${quoteWord(commands.join(' '))}
      options=${quoteWord(options.map(({ flag }) => flag).join(' '))}
      taking=${quoteWord(taking.map(({ flag }) => flag).join(' '))} ;;`
}

function valueCases (node: CommandNode): string[] {
  return placesOf(node).map(([place, values]) => `    ${quoteWord(`${node.path} ${place}`)}) values=${quoteWord(values === 'file' ? values : values.join(' '))} ;;`)
}
