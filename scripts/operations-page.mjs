// The page docs/operations.md, made of the registry of operations and the comments above their definitions.
// `npm run docs` writes it; test/scripts/operations-page.test.mjs says when it is no longer current.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const definition = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\nexport const \w+ = defineOperation\(\{\s*name: '(\w+)'/g;

/**
 * The first paragraph above each definition, by the name of the operation.
 *
 * @param {string} directory
 * @returns {Map<string, string>}
 */
export function readSummaries(directory) {
  const summaries = new Map();
  for (const file of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    for (const [, comment = '', name = ''] of readFileSync(join(directory, file), 'utf8').matchAll(
      definition,
    )) {
      const [first = ''] = comment
        .replaceAll(/^\s*\* ?/gm, '')
        .trim()
        .split(/\n\s*\n/);
      summaries.set(name, first.replaceAll('\n', ' ').trim());
    }
  }
  return summaries;
}

/**
 * @typedef {{ readonly name: string, readonly aliases: readonly string[], readonly permission: string }} Operation
 * @param {readonly Operation[]} operations
 * @param {(operation: any) => any} requestSchema
 * @param {(field: string) => string | undefined} otherName
 * @param {Map<string, string>} summaries
 */
export function operationsPage(operations, requestSchema, otherName, summaries) {
  const sorted = operations.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const lines = [
    '# Operations',
    '',
    'Every operation of the API, made from the same definitions that check requests (`npm run docs`).',
    'One is asked for with `POST /` and a body `{"operation": "<name>", ...}`; `GET /openapi.json` has the schemas.',
    '',
  ];
  for (const operation of sorted) {
    lines.push(`## ${operation.name}`, '', summaries.get(operation.name) ?? '', '');
    if (operation.aliases.length > 0) lines.push(`Also: ${operation.aliases.map(code).join(', ')}.`, '');
    lines.push(
      `Who: ${whoOf(operation.permission)}.`,
      '',
      ...fieldTable(requestSchema(operation), otherName),
    );
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

/** @param {any} schema @param {(field: string) => string | undefined} otherName */
function fieldTable(schema, otherName) {
  const fields = Object.entries(schema.properties).filter(([name]) => name !== 'operation');
  if (fields.length === 0) return [];
  const rows = fields.map(([name, field]) => {
    const other = otherName(name);
    const spelled = other === undefined || other === name ? code(name) : `${code(name)} or ${code(other)}`;
    const need = schema.required.includes(name)
      ? 'yes'
      : field.default === undefined
        ? 'no'
        : shown(field.default);
    return `| ${spelled} | ${typeOf(field)} | ${need} |`;
  });
  return ['| field | type | required, or default |', '| --- | --- | --- |', ...rows, ''];
}

/** @param {any} field @returns {string} */
function typeOf(field) {
  if (field.enum) return field.enum.map(code).join(', ');
  const options = field.anyOf ?? field.oneOf;
  if (options) return options.map(typeOf).join(' or ');
  if (field.type === 'array') return `array of ${typeOf(field.items ?? {})}`;
  if (field.$ref) return 'object';
  return [field.type ?? 'any'].flat().join(' or ');
}

/** @param {unknown} value */
function shown(value) {
  return code(JSON.stringify(value));
}

/** @param {string} permission */
function whoOf(permission) {
  if (permission === 'super_user') return 'super users';
  return permission === 'any' ? 'every user' : `users with the right to ${permission}`;
}

/** @param {unknown} text */
function code(text) {
  return `\`${String(text)}\``;
}
