const date = /^\d{4}-\d{2}-\d{2}$/;
const dateTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?$/;

/** Ms since 1970 of an ISO-8601 date (at its midnight, UTC) or moment; a moment without a zone is UTC. */
export function isoDateMs(value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined;
  const match = dateTime.exec(value);
  if (!match && !date.test(value)) return undefined;
  const ms = Date.parse(match && match[3] === undefined ? `${value}Z` : value);
  return Number.isNaN(ms) ? undefined : ms;
}
