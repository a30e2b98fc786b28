import { pipeline } from 'node:stream/promises';
import { TextDecoder } from 'node:util';
import { CsvError, parse } from 'csv-parse';
import { CodedError } from '../../model/errors.ts';

/** An unclosed quote must not take the rest of the file into memory. */
const maxRecordBytes = 16 * 2 ** 20;

/**
 * The rows of a CSV text as their cells, without empty lines; quotes and lengths may be careless. Reads no faster than
 * it is read. The text is UTF-8, or UTF-16 when it begins with the byte order mark FF FE.
 *
 * @throws CodedError `invalid_request` for text that is not CSV, or in another encoding; errors of the source as they are
 */
export async function* csvRows(
  source: AsyncIterable<Buffer>,
  signal?: AbortSignal,
): AsyncGenerator<string[], void, undefined> {
  const parser = parse({
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: maxRecordBytes,
  });
  const flowing = pipeline(source, checkedText, parser, {
    ...(signal === undefined ? {} : { signal }),
  });
  // It also ends the loop below, which tells it.
  flowing.catch(() => {});
  try {
    yield* parser as AsyncIterable<string[]>;
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw new CodedError('invalid_request', `${error.message}, cancelling load operation`, { cause: error });
  }
}

/** The text of bytes, without a byte order mark. A decoder that is not told otherwise replaces what it cannot read. */
async function* checkedText(source: AsyncIterable<Buffer>): AsyncGenerator<string, void, undefined> {
  let decoder: TextDecoder | undefined;
  let line = 1;
  for await (const chunk of source) {
    const isUtf16 = chunk[0] === 0xff && chunk[1] === 0xfe;
    decoder ??= new TextDecoder(isUtf16 ? 'utf-16le' : 'utf-8', { fatal: true });
    let text = '';
    // Line by line, to name the one that is wrong.
    for (let from = 0, end; from < chunk.length; from = end) {
      end = chunk.indexOf('\n', from) + 1 || chunk.length;
      const piece = decode(decoder, line, chunk.subarray(from, end));
      if (piece.includes('\n')) line += 1;
      text += piece;
    }
    yield text;
  }
  if (decoder) yield decode(decoder, line);
}

/** @param bytes none at the end */
function decode(decoder: TextDecoder, line: number, bytes?: Buffer): string {
  try {
    return decoder.decode(bytes, { stream: bytes !== undefined });
  } catch (cause) {
    throw new CodedError(
      'invalid_request',
      `The file is not ${decoder.encoding.toUpperCase()} in line ${line}: convert it and load it again`,
      { cause },
    );
  }
}
