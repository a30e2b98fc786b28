/** A text, or its beginning with an ellipsis: what jobs tell of names and values is kept for weeks. */
export function shortText(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  // Half of a surrogate pair is no character.
  return `${text.slice(0, maxLength).replace(/[\ud800-\udbff]$/, '')}…`;
}
