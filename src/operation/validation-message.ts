import type * as z from 'zod';

type Issue = z.ZodError['issues'][number];

const nouns: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'an integer',
  boolean: 'a boolean',
  array: 'an array',
  object: 'an object',
  record: 'an object',
};

/**
 * All that is wrong with a request as one sentence in the style clients know:
 * `'schema' must be a string. 'table' is required`. A custom issue of a schema is a predicate; the label of the
 * field is put before it.
 */
export function validationMessage(error: z.ZodError): string {
  return error.issues.map((issue) => `'${labelOf(issue.path)}' ${predicateOf(issue)}`).join('. ');
}

function labelOf(path: readonly PropertyKey[]): string {
  let label = '';
  for (const part of path) {
    if (typeof part === 'number') label += `[${part}]`;
    else label += label === '' ? String(part) : `.${String(part)}`;
  }
  return label === '' ? 'request' : label;
}

/** What is wrong with one field, to be read after its label. */
export function predicateOf(issue: Issue): string {
  switch (issue.code) {
    case 'custom':
      return issue.message;
    case 'invalid_type':
      return issue.input === undefined ? 'is required' : `must be ${nouns[issue.expected] ?? issue.expected}`;
    case 'too_small':
      if (issue.origin === 'string') return 'is not allowed to be empty';
      if (issue.origin === 'array') return `must contain at least ${String(issue.minimum)} items`;
      return `must be greater than or equal to ${String(issue.minimum)}`;
    case 'too_big':
      if (issue.origin === 'string') return `cannot exceed ${String(issue.maximum)} characters`;
      if (issue.origin === 'array') return `must contain at most ${String(issue.maximum)} items`;
      return `must be less than or equal to ${String(issue.maximum)}`;
    case 'invalid_value':
      return issue.input === undefined
        ? 'is required'
        : `must be one of [${issue.values.map(String).join(', ')}]`;
    case 'unrecognized_keys':
      return `must not have '${issue.keys.join("', '")}'`;
    default:
      return issue.input === undefined ? 'is required' : 'is not valid';
  }
}
