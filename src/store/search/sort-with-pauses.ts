/** So many are sorted, or merged, from one pause to the next: a few milliseconds. */
const stretch = 4_096;

/** The items in order, equal ones as they came. Pauses; the items must be left alone meanwhile. */
export function* sortWithPauses<T extends object>(
  items: readonly T[],
  compare: (a: T, b: T) => number,
): Generator<undefined, T[]> {
  let runs: T[][] = [];
  for (let from = 0; from < items.length; from += stretch) {
    if (from > 0) yield undefined;
    runs.push(items.slice(from, from + stretch).sort(compare));
  }
  while (runs.length > 1) {
    const merged: T[][] = [];
    for (let at = 0; at < runs.length; at += 2)
      merged.push(yield* merge(runs[at] ?? [], runs[at + 1] ?? [], compare));
    runs = merged;
  }
  return runs[0] ?? [];
}

function* merge<T extends object>(
  former: readonly T[],
  latter: readonly T[],
  compare: (a: T, b: T) => number,
): Generator<undefined, T[]> {
  const merged: T[] = [];
  let at = 0;
  for (const item of latter) {
    for (let next = former[at]; next !== undefined && compare(next, item) <= 0; next = former[at]) {
      merged.push(next);
      at += 1;
      if (merged.length % stretch === 0) yield undefined;
    }
    merged.push(item);
    if (merged.length % stretch === 0) yield undefined;
  }
  return merged.concat(former.slice(at));
}
