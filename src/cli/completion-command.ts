import type { Command } from 'commander';
import type { Shell } from './shell.ts';

/** Prints the script with which a shell completes the commands of this program, operations and their fields. */
export async function runCompletion(shell: Shell, program: Command): Promise<void> {
  // The registry is loaded by who needs it only.
  const { completionScript, withOperations } = await import('./completion.ts');
  const optionsOf = ({ options }: Command): readonly string[] =>
    options.flatMap(({ long }) => (long === undefined ? [] : [long]));
  const words = new Map(program.commands.map((command) => [command.name(), optionsOf(command)]));
  process.stdout.write(completionScript(shell, withOperations({ words, options: optionsOf(program) })));
}
