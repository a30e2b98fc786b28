/** How far over its budget a count may go before a test fails. */
const allowance = 1.1;

/**
 * Nothing where each count is at most a tenth over its budget; else all counts, with a mark at those that are not.
 * What the budget does not name must not have happened.
 */
export function overBudget<Name extends string>(
  spent: Partial<Record<Name, number>>,
  budget: Partial<Record<Name, number>>,
): string[] {
  const names = [...new Set([...Object.keys(budget), ...Object.keys(spent)])] as Name[];
  const lines = names.map((name) => {
    const { [name]: count = 0 } = spent;
    const { [name]: planned = 0 } = budget;
    const isOver = count > Math.floor(planned * allowance);
    return { isOver, text: `${isOver ? 'OVER ' : ''}${name}: ${count}, budget ${planned}` };
  });
  return lines.some(({ isOver }) => isOver) ? lines.map(({ text }) => text) : [];
}
