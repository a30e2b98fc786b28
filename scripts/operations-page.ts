// The page docs/operations.md, made of the registry of operations and the comments above their definitions.
// `npm run docs` writes it; test/scripts/operations-page.test.ts says when it is no longer current.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { operationFields } from '../src/operation/operation-fields.ts';
import { responseSchema } from '../src/operation/operation-schema.ts';
import type { Operation } from '../src/operation/operation.ts';
import { fieldStructures } from '../src/operation/field-structures.ts';
import { schemaText } from '../src/operation/schema-text.ts';

const definition = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\nexport const \w+ = defineOperation\(\{\s*name: '(\w+)'/g;

/** The first paragraph above each definition, by the name of the operation. */
export function readSummaries(directory: string): ReadonlyMap<string, string> {
  const summaries = new Map<string, string>();
  for (const file of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    for (const [, comment = '', name = ''] of readFileSync(join(directory, file), 'utf8').matchAll(
      definition,
    )) {
      const text = comment.replaceAll(/^\s*\* ?/gm, '').trim();
      summaries.set(name, (text.split(/\n\s*\n/)[0] ?? '').replaceAll('\n', ' ').trim());
    }
  }
  return summaries;
}

/** The page as Markdown. */
export function operationsPage(
  operations: readonly Operation[],
  summaries: ReadonlyMap<string, string>,
): string {
  const lines = [
    '# Operations',
    '',
    'Every operation of the API, made from the same definitions that check requests (`npm run docs`).',
    'One is asked for with `POST /` and a body `{"operation": "<name>", ...}`; `GET /openapi.json` has the schemas.',
    'In answers `?` marks a field that is not always there; every refusal is `{ error: string }` with a status of 400 and up.',
    '',
  ];
  for (const operation of [...operations].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    lines.push(`## ${operation.name}`, '', summaries.get(operation.name) ?? '', '');
    if (operation.aliases.length > 0) lines.push(`Also: ${operation.aliases.map(code).join(', ')}.`, '');
    lines.push(`Who: ${who[operation.permission]}.`, '', ...fieldTable(operation), ...answerLines(operation));
  }
  return `${lines.join('\n').trimEnd()}\n`;
}

function fieldTable(operation: Operation): readonly string[] {
  const fields = operationFields(operation, code);
  if (fields.length === 0) return [];
  const rows = fields.map(({ name, otherName, type, isRequired, standard }) => {
    const spelled = otherName === undefined ? code(name) : `${code(name)} or ${code(otherName)}`;
    return `| ${spelled} | ${type} | ${isRequired ? 'yes' : standard === undefined ? 'no' : code(standard)} |`;
  });
  return [
    '| field | type | required, or default |',
    '| --- | --- | --- |',
    ...rows,
    '',
    ...structures(operation),
  ];
}

function structures(operation: Operation): readonly string[] {
  const fields = fieldStructures(operation);
  return fields.length === 0 ? [] : ['Where', '', '```text', ...fields, '```', ''];
}

function answerLines(operation: Operation): readonly string[] {
  const answer = schemaText(responseSchema(operation));
  if (answer === '{ message: string }') return ['Answers with a sentence in `message`.', ''];
  return ['Answers with', '', '```text', answer, '```', ''];
}

const who: Readonly<Record<Operation['permission'], string>> = {
  stranger: 'everybody',
  any: 'every user',
  super_user: 'super users',
  shape_databases: 'super users, and who has structure_user',
  shape_tables: 'super users, and who has structure_user for the database',
  describe_database: 'who has some right there',
  describe_table: 'who has some right there',
  read: 'who may read the table',
  insert: 'who may insert into the table',
  update: 'who may update the table',
  delete: 'who may delete from the table',
  rights: 'who has the rights on the tables and attributes that the request names',
};

function code(text: unknown): string {
  return `\`${String(text)}\``;
}
