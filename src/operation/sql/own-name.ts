type Node = Record<string, unknown>;

/**
 * Takes the name of the one table of a statement away from its attributes, where it says nothing: `d.id` is `id` in
 * `SELECT d.id FROM dev.dog AS d`. What names another table stays as it is, to be refused for that.
 *
 * @param statement as the parser has just made it; changed in place
 */
export function dropOwnName(statement: unknown): void {
  if (!isNode(statement) || statement['type'] === 'insert') return;
  const { columns, set, where, orderby } = statement;
  const tables = statement['from'] ?? statement['table'];
  const own: unknown = Array.isArray(tables) && tables.length === 1 ? tables[0] : undefined;
  if (!isNode(own)) return;
  const { db, table, as } = own;
  const isOwn = (node: Node): boolean =>
    'column' in node && node['table'] === (as ?? table) && (node['db'] ?? db) === db;
  // A name of the answer goes before that of an attribute in ORDER BY, unless it is qualified.
  const coming: unknown[] = [columns, set, where, ...(hasNames(columns) ? [] : [orderby])];
  while (coming.length > 0) {
    const node = coming.pop();
    if (Array.isArray(node)) coming.push(...(node as readonly unknown[]));
    if (!isNode(node)) continue;
    if (isOwn(node)) {
      node['table'] = null;
      delete node['db'];
    }
    coming.push(...Object.values(node));
  }
  own['as'] = null;
}

function hasNames(columns: unknown): boolean {
  return Array.isArray(columns) && columns.some((column) => isNode(column) && column['as'] !== null);
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
