/** What is said of a file of this machine that cannot be used. */
export function fileFailure(path: string, use: 'read' | 'written', cause: unknown): Error {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
  return new Error(`${path} cannot be ${use} (${code})`, { cause });
}
