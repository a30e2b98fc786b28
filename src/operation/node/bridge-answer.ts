import { CodedError } from '../../model/errors.ts';

/** The answer of the bridge; `otherwise` when it does not answer, which fails no operation. */
export async function unlessAway<Answer, Otherwise>(
  answer: Promise<Answer>,
  otherwise: Otherwise,
): Promise<Answer | Otherwise> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof CodedError && error.code === 'unavailable') return otherwise;
    throw error;
  }
}
