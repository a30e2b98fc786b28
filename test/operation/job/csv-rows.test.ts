import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { csvRows } from '../../../src/operation/job/csv-rows.ts';

const text = 'id,name\r\n1,Bjørn 犬 🐕\r\n2,"\ufeff,\n"\r\n3,\u0a0a\u2c00\r\n';
const rows = [
  ['id', 'name'],
  ['1', 'Bjørn 犬 🐕'],
  ['2', '\ufeff,\n'],
  ['3', '\u0a0a\u2c00'],
];

/** The rows of bytes that come in chunks of a length. */
async function read(bytes: Buffer, chunkBytes: number): Promise<string[][]> {
  const chunks: Buffer[] = [];
  for (let from = 0; from < bytes.length; from += chunkBytes)
    chunks.push(bytes.subarray(from, from + chunkBytes));
  const found: string[][] = [];
  for await (const cells of csvRows(Readable.from(chunks))) found.push(cells);
  return found;
}

test.each([
  ['UTF-8', Buffer.from(text)],
  ['UTF-8 with a mark', Buffer.from(`\ufeff${text}`)],
])('%s is read as it is, wherever its chunks end', async (_name, bytes) => {
  for (let length = 1; length <= bytes.length; length += 1) expect(await read(bytes, length)).toEqual(rows);
});

test('UTF-16 that begins with its mark is read as it is, wherever its chunks end', async () => {
  const bytes = Buffer.from(`\ufeff${text}`, 'utf16le');

  for (let length = 2; length <= bytes.length; length += 1) expect(await read(bytes, length)).toEqual(rows);
});

test.each([
  ['Latin-1', Buffer.from('id,name\n1,Rex\n2,Bjørn\n3,x\n', 'latin1'), 'The file is not UTF-8 in line 3'],
  ['a text that is cut', Buffer.from('id,name\n1,ø').subarray(0, -1), 'The file is not UTF-8 in line 2'],
  ['half of a surrogate pair', Buffer.from('\ufeffid\n\ud800\n', 'utf16le'), 'is not UTF-16LE in line 2'],
])('%s is refused with its line, wherever its chunks end', async (_name, bytes, message) => {
  for (let length = 2; length <= bytes.length; length += 1)
    await expect(read(bytes, length)).rejects.toMatchObject({
      code: 'invalid_request',
      message: expect.stringContaining(`${message}: convert it`),
    });
});
