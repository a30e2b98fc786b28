import { takeConfigFlags, wordsOf } from './config-flags.ts';
import { didYouMean } from './did-you-mean.ts';
import { operationHelp } from './operation-help.ts';
import { commandNames, createProgram } from './program.ts';
import { reportFailure } from './report-failure.ts';

const given = process.argv.slice(2);
const { flags, rest } = takeConfigFlags(given);
const words = wordsOf(rest);

// All users of the machine see the arguments of a process. What may hold a secret is not shown to them for longer than this.
if (given.some((argument) => /passw|token|:\/\/[^/]*@/i.test(argument)))
  process.title = `lyre ${words[0] ?? ''}`;

if (words[0] === 'start') {
  // A node has more to do than to tell of itself: a full disk or a reader that has gone costs lines only.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
} else {
  // A reader that has seen enough, as in `lyre describe_all | head`, is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
}

async function run(): Promise<void> {
  try {
    const isHelp = words[0] === 'help' || rest.includes('--help') || rest.includes('-h');
    const help = isHelp ? await operationHelp(words) : undefined;
    if (help !== undefined) {
      process.stdout.write(help);
      return;
    }
    const program = createProgram(flags);
    if (isHelp) await refuseUnknownWord(commandNames(program));
    await program.parseAsync(rest, { from: 'user' });
  } catch (error) {
    reportFailure(error);
  }
}

/** @throws when help is asked for a word that is neither a command nor an operation */
async function refuseUnknownWord(commands: readonly string[]): Promise<void> {
  const word = words[0] === 'help' ? words[1] : words[0];
  if (word === undefined || commands.includes(word)) return;
  throw new Error(`There is no command or operation '${word}'${await didYouMean(word, commands)}`);
}

// Not awaited here: bundles are scripts.
void run();
