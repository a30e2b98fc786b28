/** Why some of what was begun together failed, in one line. */
export function rejections(results: readonly PromiseSettledResult<unknown>[]): string {
  return results
    .flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : []))
    .join('; ');
}
