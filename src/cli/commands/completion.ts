/** `metaheac completion`: prints a completion script for a shell, generated from the command tree. */
import type { Command, Option } from 'commander';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** A command, and the words that invoke it on the command line. */
interface Node {
  readonly path: string;
  readonly command: Command;
}

/** The completion script for a shell: it completes commands, options and their choices, and file names. */
export function completionScript(program: Command, shell: (typeof SHELLS)[number]): string {
  if (shell === 'fish') return fishScript(program);
  const bash = bashScript(program);
  return shell === 'bash' ? bash : `#compdef ${program.name()}\nautoload -U +X bashcompinit && bashcompinit\n\n${bash}`;
}

function nodesOf(command: Command, path = command.name()): Node[] {
  return [{ path, command }, ...command.commands.flatMap((child) => nodesOf(child, `${path} ${child.name()}`))];
}

function optionsOf({ command }: Node): readonly Option[] {
  return command.createHelp().visibleOptions(command);
}

/** Words to complete after the command: its subcommands, or its options if there are none. */
function wordsOf(node: Node): string[] {
  const flags = optionsOf(node).flatMap(({ long }) => long ?? []);
  return [...node.command.commands.map((child) => child.name()), ...argumentChoices(node), ...flags];
}

function argumentChoices({ command }: Node): readonly string[] {
  return command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []);
}

function bashScript(program: Command): string {
  const nodes = nodesOf(program);
  const name = program.name();
  const choices = nodes.flatMap((node) =>
    optionsOf(node).flatMap(({ long, argChoices }) =>
      argChoices ? [`    "${node.path} ${long}") words="${argChoices.join(' ')}" ;;`] : [],
    ),
  );
  const paths = nodes.slice(1).map(({ path }) => `"${path}"`);
  return `_${name}() {
  local path="${name}" words="" word="\${COMP_WORDS[COMP_CWORD]}" i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$path \${COMP_WORDS[i]}" in
      ${paths.join(' | ')}) path="$path \${COMP_WORDS[i]}" ;;
    esac
  done
  case "$path" in
${nodes.map((node) => `    "${node.path}") words="${wordsOf(node).join(' ')}" ;;`).join('\n')}
  esac
  case "$path \${COMP_WORDS[COMP_CWORD - 1]}" in
${choices.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _${name} ${name}
`;
}

function fishScript(program: Command): string {
  const nodes = nodesOf(program);
  const name = program.name();
  const lines = nodes.flatMap((node) => {
    const at = `complete -c ${name} -n '__${name}_at ${node.path}'`;
    const commands = node.command.commands.map(
      (child) => `${at} -f -a ${child.name()} -d ${quoted(child.description())}`,
    );
    const words = argumentChoices(node).map((choice) => `${at} -f -a ${choice}`);
    const options = optionsOf(node).map(({ long, description, argChoices, required }) => {
      const value = argChoices ? ` -x -a '${argChoices.join(' ')}'` : required ? ' -r' : '';
      return `${at} -l ${long!.slice(2)}${value} -d ${quoted(description)}`;
    });
    return [...commands, ...words, ...options];
  });
  const paths = nodes.slice(1).map(({ path }) => `'${path}'`);
  return `function __${name}_at
  set -l path ${name}
  for word in (commandline -opc)[2..]
    switch "$path $word"
      case ${paths.join(' ')}
        set path "$path $word"
    end
  end
  test "$path" = "$argv"
end
${lines.join('\n')}
`;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
