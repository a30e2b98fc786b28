/** What must stay true of tables of `system`. */
export interface StoreGuard {
  readonly tables: ReadonlySet<string>;
  /** Asked before and after the writes of a commit to one of the tables, within it. */
  readonly holds: () => boolean;
  /** What a client is told whose commit would end it; nothing of the commit stays. */
  readonly refusal: () => Error;
}
