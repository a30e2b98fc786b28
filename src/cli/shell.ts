/** The shells whose completion can be printed. */
export const shells = ['bash', 'zsh'] as const;
export type Shell = (typeof shells)[number];
