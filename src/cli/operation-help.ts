import type { OperationField } from '../operation/operation-fields.ts';

/**
 * The help of the operation that the words name, if they ask for help; undefined when they do not.
 *
 * @param words arguments that are neither options nor values of options
 */
export async function operationHelp(words: readonly string[]): Promise<string | undefined> {
  const [first, second] = words;
  // The registry is loaded by who needs it only: the other commands answer sooner without.
  const { findOperation } = await import('../operation/registry.ts');
  const operation = findOperation((first === 'help' ? second : first) ?? '');
  if (operation === undefined) return undefined;
  const { operationFields } = await import('../operation/operation-fields.ts');
  const { fieldStructures } = await import('../operation/field-structures.ts');
  const fields = operationFields(operation).map(fieldLine);
  const width = Math.max(0, ...fields.map(([name]) => name.length));
  const names = [operation.name, ...operation.aliases];
  return [
    `Usage: lyre ${names.join(' | ')} [key=value ...] [flags]`,
    ...(fields.length > 0 ? ['', 'Fields:'] : []),
    ...fields.map(([name, told]) => `  ${name.padEnd(width)}  ${told}`),
    ...fieldStructures(operation).flatMap((structure) => ['', structure]),
    '',
    'The flags are told by lyre --help; GET /openapi.json of a node has the whole schemas.',
    '',
  ].join('\n');
}

function fieldLine({
  name,
  otherName,
  type,
  isRequired,
  standard,
}: OperationField): readonly [string, string] {
  const necessity = isRequired ? ', required' : standard === undefined ? '' : `, ${standard} if not given`;
  return [otherName === undefined ? name : `${name}, ${otherName}`, `${type}${necessity}`];
}
