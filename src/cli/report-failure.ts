/** Prints one line that says what went wrong, and makes the exit status 1. */
export function reportFailure(error: unknown): void {
  process.stderr.write(`lyre: ${describeFailure(error)}\n`);
  process.exitCode = 1;
}

function describeFailure(error: unknown): string {
  const text = error instanceof Error && error.message !== '' ? error.message : String(error);
  return text.replace(/\s*\p{Cc}+\s*/gu, ' ').trim();
}
