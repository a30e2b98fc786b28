import type { FileHandle } from 'node:fs/promises';
import * as z from 'zod';

/** The answer that a {@link FileAnswer} becomes. */
export const fileContent = z.unknown().meta({ type: 'string', format: 'binary' });

/** An answer that is a file. Whoever takes it streams the file and closes it. */
export class FileAnswer {
  readonly file: FileHandle;
  /** What a client may call it. */
  readonly name: string;
  readonly bytes: number;

  constructor(options: { readonly file: FileHandle; readonly name: string; readonly bytes: number }) {
    this.file = options.file;
    this.name = options.name;
    this.bytes = options.bytes;
  }
}
