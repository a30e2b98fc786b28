/** Canonical field, then its other spelling; `preferred` wins when both are sent. */
const synonyms = [
  { canonical: 'schema', preferred: 'database', other: 'schema' },
  { canonical: 'primary_key', preferred: 'primary_key', other: 'hash_attribute' },
  { canonical: 'hash_values', preferred: 'ids', other: 'hash_values' },
  { canonical: 'attribute', preferred: 'attribute', other: 'search_attribute' },
  { canonical: 'value', preferred: 'value', other: 'search_value' },
  { canonical: 'comparator', preferred: 'comparator', other: 'search_type' },
  { canonical: 'get_attributes', preferred: 'get_attributes', other: 'select' },
  { canonical: 'reverse', preferred: 'reverse', other: 'desc' },
] as const;

/** Fields that a body with one spelling for each does not have. */
const otherSpellings: ReadonlySet<string> = new Set(
  synonyms.flatMap(({ canonical, preferred, other }) =>
    [preferred, other].filter((name) => name !== canonical),
  ),
);

/**
 * The same body with one spelling for each field. The spelling that texts of errors use is the canonical one,
 * so `database: 1` is answered with `'schema' must be a string`.
 */
export function canonicalBody(body: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  if (!Object.keys(body).some((name) => otherSpellings.has(name))) return body;
  const result: Record<string, unknown> = { ...body };
  for (const { canonical, preferred, other } of synonyms) {
    const value = body[preferred] === undefined ? body[other] : body[preferred];
    if (value !== undefined) result[canonical] = value;
  }
  return result;
}

/** The spelling of a field that wins when both are sent, and that new clients should use. */
export function preferredName(canonical: string): string {
  return synonyms.find((one) => one.canonical === canonical)?.preferred ?? canonical;
}

/** The other spelling of a field, which is accepted too. */
export function otherName(canonical: string): string | undefined {
  return synonyms.find((one) => one.canonical === canonical || one.preferred === canonical)?.other;
}
