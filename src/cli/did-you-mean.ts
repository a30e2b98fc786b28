import { distance } from 'fastest-levenshtein';

/**
 * The end of a message about a word that is no command and no operation: the one that it may have been meant to be.
 *
 * @param commands the names of the commands; those of the operations are known here
 */
export async function didYouMean(word: string, commands: readonly string[]): Promise<string> {
  const { operations } = await import('../operation/registry.ts');
  const names = operations.flatMap(({ name, aliases }) => [name, ...aliases]);
  const nearest = [...commands, ...names]
    .map((name) => ({ name, far: distance(word, name) }))
    .reduce((best, next) => (next.far < best.far ? next : best));
  const isNear = nearest.far <= Math.max(1, Math.floor(word.length / 3));
  return isNear ? `; did you mean ${nearest.name}?` : '; lyre --help names the commands';
}
