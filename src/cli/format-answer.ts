type Row = Readonly<Record<string, unknown>>;

/**
 * An answer of a node as text for people: a table for a list of objects, aligned keys and values for an object,
 * with a table below for each list of objects in it.
 *
 * Control characters are shown as escapes, so that no record can drive the terminal.
 */
export function formatAnswer(value: unknown): string {
  if (isRows(value)) return formatTable(value);
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map(formatCell).join('\n');
  if (isRow(value)) return formatObject(value);
  return formatCell(value);
}

function formatObject(value: Row): string {
  const entries = Object.entries(value);
  if (entries.length === 0) return 'none';
  const plain = entries.filter(([, part]) => !isRows(part));
  const width = Math.max(0, ...plain.map(([key]) => formatCell(key).length));
  const lines = plain.map(([key, part]) => `${formatCell(key).padEnd(width)}  ${formatCell(part)}`.trimEnd());
  const tables = entries.flatMap(([key, part]) => (isRows(part) ? formatTables(key, part) : []));
  return [...(lines.length === 0 ? [] : [lines.join('\n')]), ...tables].join('\n\n');
}

/** The table of a list, then one for each list inside its rows, whose first column says which row it was in. */
function formatTables(name: string, rows: readonly Row[]): string[] {
  const nested = [...new Set(rows.flatMap((row) => Object.keys(row).filter((key) => isRows(row[key]))))];
  const [first = ''] = Object.keys(rows[0] ?? {});
  const flat = rows.map((row) =>
    Object.fromEntries(Object.entries(row).filter(([key]) => !nested.includes(key))),
  );
  const inner = nested.flatMap((key) =>
    formatTables(
      key,
      rows.flatMap((row) => {
        const children = row[key];
        return isRows(children) ? children.map((child) => ({ [first]: row[first], ...child })) : [];
      }),
    ),
  );
  return [`${formatCell(name)}:\n${formatTable(flat)}`, ...inner];
}

function formatTable(rows: readonly Row[]): string {
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cells = rows.map((row) => keys.map((key) => (key in row ? formatCell(row[key]) : '')));
  const isNumeric = keys.map((key) => rows.every((row) => ['number', 'undefined'].includes(typeof row[key])));
  const widths = keys.map((key, column) =>
    Math.max(formatCell(key).length, ...cells.map((line) => line[column]?.length ?? 0)),
  );
  const align = (line: readonly string[]): string =>
    line
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return isNumeric[column] === true ? cell.padStart(width) : cell.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  const rule = widths.map((width) => '-'.repeat(width));
  return [align(keys.map(formatCell)), align(rule), ...cells.map(align)].join('\n');
}

function formatCell(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, escapeCharacter);
}

function escapeCharacter(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
}

function isRows(value: unknown): value is readonly Row[] {
  return Array.isArray(value) && value.length > 0 && value.every(isRow);
}

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
