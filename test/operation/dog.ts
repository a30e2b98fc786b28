/** The table of most tests, as requests name it. */
export const dog = { schema: 'dev', table: 'dog' };

/** Makes {@link dog} where requests can be sent, with these records. */
export async function makeDogs(
  t: { call(body: object): Promise<unknown> } | { post(body: object): Promise<unknown> },
  records: readonly object[] = [],
): Promise<void> {
  const ask = (body: object): Promise<unknown> => ('call' in t ? t.call(body) : t.post(body));
  await ask({ operation: 'create_table', ...dog, primary_key: 'id' });
  if (records.length > 0) await ask({ operation: 'insert', ...dog, records });
}
