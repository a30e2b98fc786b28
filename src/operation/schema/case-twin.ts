import { CodedError } from '../../model/errors.ts';

/**
 * Refuses a name that differs from an existing one only by case: its stream would share files with the other
 * one's on a file system that ignores case.
 *
 * @throws CodedError `invalid_name`
 */
export function refuseCaseTwin(noun: 'database' | 'table', name: string, existing: Iterable<string>): void {
  const folded = name.toLowerCase();
  for (const other of existing) {
    if (other !== name && other.toLowerCase() === folded) {
      throw new CodedError(
        'invalid_name',
        `${noun} '${name}' differs only by case from the existing '${other}'`,
      );
    }
  }
}
