import { encodeToken, maxChannelNameBytes } from './channel-name.ts';

/** Longest name of a database, table or attribute, in bytes. */
export const maxNameLength = 250;

/** Printable ASCII without backtick and slash: what a database, table or attribute may be called. */
const legalName = /^[\x20-\x2e\x30-\x5f\x61-\x7e]*$/;

/** Decoders of records rename it. */
export const unkeepableName = '__proto__';

/** Whether all characters of the name are allowed; says nothing of its length. */
export function hasLegalCharacters(name: string): boolean {
  return legalName.test(name);
}

/** What is wrong with a new name of a database, table or attribute, as a predicate; undefined when nothing is. */
export function nameProblem(name: string): string | undefined {
  if (name === '') return 'is not allowed to be empty';
  if (Buffer.byteLength(name) > maxNameLength) return `cannot exceed ${maxNameLength} characters`;
  if (!hasLegalCharacters(name)) return 'names cannot include backticks or forward slashes';
  if (name === unkeepableName) return `cannot be ${unkeepableName}`;
  return undefined;
}

const illegalInNodeName = /[\s.,*>\p{Cc}]/u;

/** Whether a node can ever have had this name: one that it had before it had peers may be longer than theirs may be. */
export function isNodeName(name: string): boolean {
  return name !== '' && name.length <= maxNameLength && !illegalInNodeName.test(name);
}

/** What is wrong with the name of a node, as a predicate; undefined when nothing is. */
export function nodeNameProblem(name: string): string | undefined {
  if (name === '') return 'is not allowed to be empty';
  if (illegalInNodeName.test(name)) return "cannot include whitespace, '.', ',', '*' or '>'";
  if (encodeToken(name).length > maxChannelNameBytes) return `cannot exceed ${maxChannelNameBytes} bytes`;
  return undefined;
}
