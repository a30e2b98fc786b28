import { Argument, Command } from 'commander';
import { packageVersion } from '../process/package-root.ts';
import { runCompletion } from './completion-command.ts';
import type { ConfigFlags } from './config-flags.ts';
import { runBackup } from './backup-command.ts';
import { runExport, type ExportOptions } from './export-command.ts';
import type { TargetOptions } from './find-client.ts';
import { runImport, type ImportOptions } from './import-command.ts';
import { runRestore } from './restore-command.ts';
import { runOperation, type OperationOptions } from './operation-command.ts';
import { shells, type Shell } from './shell.ts';
import { runStart } from './start-command.ts';
import { runStatus, type StatusOptions } from './status-command.ts';
import { runStop } from './stop-command.ts';

const examples = `
Examples:
  lyre start --ROOTPATH ./node --SERVER_PORT 9925
  lyre create_table database=dev table=dog hash_attribute=id
  lyre insert database=dev table=dog records='[{"id": 1, "name": "Penny"}]'
  lyre search_by_hash database=dev table=dog hash_values='[1]' get_attributes='["*"]' --json
  lyre insert --help
  lyre cluster_status --target http://10.0.0.5:9925 --username admin --password secret

Any setting is also a flag, for every command: --ROOTPATH <path>, --SERVER_PORT <port>,
--CLUSTERING_PORT <port>, --NODE_NAME <name>, --config <file> and so on. Later wins:
lyre.yaml in the root path, .env in the working directory, environment, flags.
Without a target, commands reach the node of the root path (ROOTPATH, ~/lyredb by default).`;

/** The commands of `lyre`; every word that is no command is an operation of the API. */
export function createProgram(flags: ConfigFlags['flags']): Command {
  const program = addTarget(new Command('lyre'))
    .description('LyreDB: an open edge-to-cloud database')
    .version(packageVersion(), '--version')
    .helpOption('-h, --help', 'show this text')
    .helpCommand('help [command]', 'show the help of a command')
    .usage('[command] [flags]\n       lyre <operation> [key=value ...] [flags]')
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'lyre: ')) })
    .enablePositionalOptions()
    .argument('[operation]', 'any operation of the API, for example describe_all')
    .argument('[key=value...]', 'its fields; a value is JSON when it parses as JSON, else text')
    .option('--json', 'print the answer as JSON')
    .addHelpText('after', examples)
    .action(async (operation: string | undefined, pairs: string[], options: OperationOptions) => {
      if (operation === undefined) program.outputHelp();
      else await runOperation(operation, pairs, options, flags, commandNames(program));
    });
  /** With those before the command, which commander leaves to the program. */
  const all = <T extends object>(options: T): T => ({ ...program.opts(), ...options });
  const here = (command: string): void => {
    if (program.opts<TargetOptions>().target === undefined) return;
    throw new Error(`${command} is for the node of the root path: it takes no --target`);
  };
  program
    .command('start')
    .description('run a node in the foreground until SIGTERM or SIGINT')
    .hook('preAction', () => here('start'))
    .action(() => runStart(flags));
  program
    .command('stop')
    .description('stop the node of the root path and wait until it is gone')
    .hook('preAction', () => here('stop'))
    .action(() => runStop(flags));
  addTarget(program.command('status'))
    .description('show the health of the node and of its links')
    .option('--json', 'print JSON')
    .action((options: StatusOptions) => runStatus(all(options), flags));
  addTarget(program.command('import <file>'))
    .description('load a CSV file into a table')
    .option('--database <name>', 'where the table is', 'data')
    .requiredOption('--table <name>', 'the table')
    .option('--action <action>', 'insert, update or upsert', 'insert')
    .action((file: string, options: ImportOptions) => runImport(file, all(options), flags));
  addTarget(program.command('export <file>'))
    .description('write the records of a table to a file, as CSV or JSON')
    .option('--database <name>', 'where the table is', 'data')
    .requiredOption('--table <name>', 'the table')
    .option('--format <format>', 'json or csv; else what the name of the file says')
    .action((file: string, options: ExportOptions) => runExport(file, all(options), flags));
  addTarget(program.command('backup <directory>'))
    .description('write the store of a running node, as it is now, to a directory')
    .action((directory: string, options: TargetOptions) => runBackup(directory, all(options), flags));
  program
    .command('restore <directory>')
    .description('put a backup in the place of the store of the root path; no node may run there')
    .hook('preAction', () => here('restore'))
    .action((directory: string) => runRestore(directory, flags));
  program
    .command('version')
    .description('print the version of this command')
    .action(() => {
      process.stdout.write(`${packageVersion()}\n`);
    });
  program
    .command('completion')
    .description('print the completion for a shell: source <(lyre completion bash)')
    .addArgument(new Argument('<shell>').choices(shells))
    .action((shell: Shell) => runCompletion(shell, program));
  return program;
}

export function commandNames(program: Command): readonly string[] {
  return ['help', ...program.commands.map((command) => command.name())];
}

function addTarget(command: Command): Command {
  return command
    .option('--target <url>', 'the address of a node, for example http://localhost:9925')
    .option('--username <name>', 'for the target; else CLI_TARGET_USERNAME or HDB_ADMIN_USERNAME')
    .option('--password <password>', 'for the target; else CLI_TARGET_PASSWORD or HDB_ADMIN_PASSWORD');
}
