import { randomUUID } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { systemDatabase } from '../../model/table.ts';
import * as field from '../field.ts';
import { FileAnswer, fileContent } from '../file-answer.ts';
import { defineOperation } from '../operation.ts';
import { requireDatabase, requireTable } from '../table-lookup.ts';

/**
 * The store as it is at this moment, while it goes on to be written. A node keeps all its databases in one
 * environment, so the file holds them all, whichever is named.
 */
export const getBackup = defineOperation({
  name: 'get_backup',
  refusalName: 'getBackup',
  permission: 'super_user',
  request: z.object({
    schema: z.string().min(1),
    table: field.existingName.optional(),
    tables: z.array(field.existingName).optional(),
  }),
  response: fileContent,
  async run({ store, bulk }, { schema, table, tables = [] }) {
    if (schema !== systemDatabase) requireDatabase(store, schema);
    for (const name of table === undefined ? tables : [table, ...tables]) requireTable(store, schema, name);
    const path = join(bulk.scratchDirectory, `${randomUUID()}.mdb`);
    try {
      await store.backUp(path);
      const file = await open(path);
      const { size } = await file.stat();
      return new FileAnswer({ file, name: 'lyre.mdb', bytes: size });
    } finally {
      // It lives on until it is closed, and no longer, however the process ends.
      await rm(path, { force: true });
    }
  },
});
