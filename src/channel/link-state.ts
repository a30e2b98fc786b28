/** Where our own link to a peer stands. */
export type LinkState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'open'; readonly sinceMs: number; readonly seenMs: number; readonly latencyMs: number }
  | { readonly kind: 'closed'; readonly reason: string }
  /** The peer answered, and does not want us; tried again slowly. */
  | { readonly kind: 'refused'; readonly code: 'join_refused' | 'name_in_use'; readonly reason: string };
