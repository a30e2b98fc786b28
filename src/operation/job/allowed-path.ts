import { constants } from 'node:fs';
import { open, realpath, stat, type FileHandle } from 'node:fs/promises';
import { isAbsolute, relative, resolve } from 'node:path';
import { CodedError } from '../../model/errors.ts';

/**
 * Opens a file for reading that lies inside one of the directories, wherever links lead; a relative path is looked
 * for in each of them. Whether something outside exists cannot be told from the answer.
 *
 * @throws CodedError `invalid_request`: `No such file or directory <path>`, `Permission denied <path>`
 */
export async function openInside(path: string, directories: readonly string[]): Promise<FileHandle> {
  const real = await resolveInside(path, directories);
  let file: FileHandle | undefined;
  try {
    // Not following a link that took its place meanwhile, nor waiting for who writes into a pipe.
    file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const opened = await file.stat();
    const named = await stat(await resolveInside(path, directories));
    if (opened.isFile() && opened.ino === named.ino && opened.dev === named.dev) return file;
  } catch (cause) {
    await file?.close();
    throw pathError(path, cause);
  }
  await file.close();
  throw new CodedError('invalid_request', `${path} is not a file`);
}

/** A directory inside one of the directories, as {@link openInside}. */
export async function directoryInside(path: string, directories: readonly string[]): Promise<string> {
  const real = await resolveInside(path, directories);
  if ((await stat(real)).isDirectory()) return real;
  throw new CodedError('invalid_request', `${path} is not a directory`);
}

/** Nothing is looked up for a path whose very name is outside. */
async function resolveInside(path: string, directories: readonly string[]): Promise<string> {
  const named = directories.filter((directory) => isInside(resolve(directory, path), directory));
  if (path.includes('\0')) throw missing(path);
  for (const directory of named) {
    try {
      const real = await realpath(resolve(directory, path));
      if (isInside(real, await realpath(directory))) return real;
    } catch (error) {
      if (!isAbsence(error)) throw pathError(path, error);
      if (directory === named.at(-1)) throw missing(path);
    }
  }
  throw new CodedError(
    'invalid_request',
    `No such file or directory ${path}: only paths inside ${directories.join(', ')} are used`,
  );
}

function isInside(path: string, directory: string): boolean {
  const way = relative(directory, path);
  return way !== '..' && !way.startsWith('../') && !isAbsolute(way);
}

function missing(path: string): CodedError {
  return new CodedError('invalid_request', `No such file or directory ${path}`);
}

function pathError(path: string, cause: unknown): unknown {
  if (isAbsence(cause)) return missing(path);
  if (!['EACCES', 'EPERM'].includes(codeOf(cause))) return cause;
  return new CodedError('invalid_request', `Permission denied ${path}`, { cause });
}

function isAbsence(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG'].includes(codeOf(error));
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
