import type { Condition, ConditionGroup, Query } from '../../model/query.ts';
import { boundsOf, isNarrow } from './condition-bounds.ts';
import { isConjunction } from './search-order.ts';
import type { OrderLevel } from './search-order.ts';
import type { SearchSource } from './search-source.ts';

/**
 * The attributes whose index would have spared a search its scan: of an `and` one (an equality before a range),
 * of an `or` all that are missing, else the attribute of a descending sort with a limit. Ready ones and ones that
 * the table does not have are never named.
 */
export function wantedBy(
  source: SearchSource,
  query: Query,
  order: readonly OrderLevel[],
): readonly string[] {
  const missing = query.where && missingFor(source, query.where);
  if (missing !== undefined && missing.length > 0) return missing;
  const [level] = order;
  if (level === undefined || !level.descending || query.limit === undefined) return [];
  return isMissing(source, level.attribute) ? [level.attribute] : [];
}

/** Undefined when no index can help; empty when those that can are ready. */
function missingFor(source: SearchSource, member: Condition | ConditionGroup): readonly string[] | undefined {
  if ('comparator' in member) {
    if (!isNarrow(member.comparator) || typeof boundsOf(member) !== 'object') return undefined;
    if (isMissing(source, member.attribute)) return [member.attribute];
    return source.isIndexed(member.attribute) ? [] : undefined;
  }
  if (isConjunction(member)) {
    const useful = [...member.conditions]
      .sort((a, b) => selectivityOf(a) - selectivityOf(b))
      .map((part) => missingFor(source, part))
      .filter((missing) => missing !== undefined);
    return useful.find((missing) => missing.length > 0) ?? useful[0];
  }
  const all = new Set<string>();
  for (const part of member.conditions) {
    const missing = missingFor(source, part);
    if (missing === undefined) return undefined;
    for (const attribute of missing) all.add(attribute);
  }
  return [...all];
}

function selectivityOf(member: Condition | ConditionGroup): number {
  if (!('comparator' in member)) return 2;
  return member.comparator === 'equals' ? 0 : 1;
}

function isMissing(source: SearchSource, attribute: string): boolean {
  if (source.isIndexed(attribute)) return false;
  return source.table.attributes.some(({ name, dropped }) => name === attribute && !dropped);
}
