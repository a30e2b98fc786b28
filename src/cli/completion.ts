import { operationFields } from '../operation/operation-fields.ts';
import { operations } from '../operation/registry.ts';
import type { Shell } from './shell.ts';

/** What may stand after `lyre`, and what after that. */
export interface Completions {
  /** A command of the command line or an operation, with its options or its fields: `table=`, `--json`. */
  readonly words: ReadonlyMap<string, readonly string[]>;
  /** Options for operations too. */
  readonly options: readonly string[];
}

/** Adds the operations of the registry, under all their names, to the commands. */
export function withOperations({ words, options }: Completions): Completions {
  const asked = operations.flatMap((operation) => {
    const fields = operationFields(operation).map(({ name }) => `${name}=`);
    return [operation.name, ...operation.aliases].map((name) => [name, fields] as const);
  });
  return { words: new Map([...words, ...asked]), options };
}

/** The script that a shell loads. All names are of letters, digits, `_`, `-` and `=`. */
export function completionScript(shell: Shell, completions: Completions): string {
  return shell === 'bash' ? bashScript(completions) : zshScript(completions);
}

/** Bash splits a word at `=`; behind one a value is typed, which nobody here knows. */
function bashScript({ words, options }: Completions): string {
  return `# Completion of lyre for bash: source <(lyre completion bash)
_lyre() {
  local word=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} choices
  COMPREPLY=()
  if [[ $word == = || $previous == = ]]; then return; fi
  if (( COMP_CWORD == 1 )); then
    choices="${[...words.keys(), ...options].join(' ')}"
  else
    case \${COMP_WORDS[1]} in
${cases(words, (next) => `choices="${next.join(' ')}"`)}
    esac
    choices="$choices ${options.join(' ')}"
  fi
  COMPREPLY=($(compgen -W "$choices" -- "$word"))
  if [[ \${COMPREPLY[0]} == *= ]]; then compopt -o nospace 2>/dev/null; fi
}
complete -o default -F _lyre lyre
`;
}

function zshScript({ words, options }: Completions): string {
  return `#compdef lyre
# Completion of lyre for zsh: source <(lyre completion zsh)
_lyre() {
  if (( CURRENT == 2 )); then
    compadd -- ${[...words.keys(), ...options].join(' ')}
    return
  fi
  case \${words[2]} in
${cases(words, (next) => `compadd -S '' -- ${next.join(' ')}`)}
  esac
  compadd -- ${options.join(' ')}
  _files
}
if [[ \${funcstack[1]} == _lyre ]]; then _lyre "$@"; else compdef _lyre lyre; fi
`;
}

function cases(words: Completions['words'], told: (next: readonly string[]) => string): string {
  return [...words]
    .filter(([, next]) => next.length > 0)
    .map(([word, next]) => `      ${word}) ${told(next)} ;;`)
    .join('\n');
}
