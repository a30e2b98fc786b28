/** An invariant of docs/correctness.md that does not hold; 0 is an error that nobody expected. */
export class Violation extends Error {
  readonly invariant: number;
  readonly facts: readonly string[];

  constructor(invariant: number, message: string, facts: readonly string[] = []) {
    super(message);
    this.invariant = invariant;
    this.facts = facts;
  }
}
