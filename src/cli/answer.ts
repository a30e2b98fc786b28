/** What a node answered. */
export interface Answer {
  readonly status: number;
  /** Parsed when it is JSON, else its text. */
  readonly body: unknown;
}

/** The text of an answer that is not a success. */
export function refusalOf({ status, body }: Answer): string {
  if (typeof body === 'object' && body !== null && 'error' in body) {
    return typeof body.error === 'string' ? body.error : JSON.stringify(body.error);
  }
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return text === '' ? `The node answered ${status}` : text;
}
