import * as z from 'zod';
import type { Document, Key } from '../model/change.ts';
import { nameProblem } from '../model/names.ts';

/** Where a table is looked for when the request names no database. */
export const defaultDatabase = 'data';

/** The database of a request about something that exists. */
export const database = z.string().min(1).default(defaultDatabase);

/** The table (or attribute) of a request about something that exists. */
export const existingName = z.string().min(1);

/** The name of something that is about to be created. */
export const newName = z.string().superRefine((name, context) => {
  const problem = nameProblem(name);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});

/** Writes accept a number as the name of a database or table. */
export const databaseOfWrite = z.preprocess(numberAsText, database);
export const tableOfWrite = z.preprocess(numberAsText, existingName);

/** `true` is refused: drops and other administration stay on the node that was asked. */
export const notReplicated = z
  .unknown()
  .superRefine((value, context) => {
    if (value === true) {
      context.addIssue({ code: 'custom', message: 'is not supported, run the operation on each node' });
    }
  })
  .meta({ const: false });

/** What checks by itself, for the texts of its refusals, tells documents what it takes: a text, of any kind. */
export const anyText = z.unknown().meta({ type: 'string' });
export const anyObject = z.unknown().meta({ type: 'object' });
export const anyKeys = z.unknown().meta({ type: 'array', items: { type: ['string', 'number'] } });

/** A field that documents tell as required; the operation itself refuses a body without it, in words that clients know. */
export function refusedWithout<T extends z.ZodType>(schema: T): z.ZodOptional<T> {
  return schema.optional().meta({ isRequired: true });
}

/** A plain object: neither null nor an array. */
export function isDocument(value: unknown): value is Document {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isKey(value: unknown): value is Key {
  return typeof value === 'string' || (typeof value === 'number' && Number.isFinite(value));
}

function numberAsText(value: unknown): unknown {
  return typeof value === 'number' ? String(value) : value;
}
