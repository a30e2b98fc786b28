import { expect, test } from 'vitest';
import { systemDatabase } from '../../src/model/table.ts';
import { Sessions } from '../../src/operation/user/sessions.ts';
import { findUser, localUser, type User } from '../../src/operation/user/user.ts';
import type { Store } from '../../src/store/store.ts';
import { TestStore } from '../store/test-store.ts';
import { putQuickUser } from './quick-user.ts';

const dayMs = 86_400_000;

async function begin(sessions: Sessions, store: Store): Promise<string> {
  return (await sessions.begin(admin(store)))?.secret ?? expect.fail('There is no session');
}

function admin(store: Store): User {
  return findUser(store, 'admin')?.user ?? expect.fail('There is no user');
}

function rowsOf(store: Store): readonly unknown[] {
  const table = store.catalog.table(systemDatabase, 'hdb_session') ?? expect.fail('There is no table');
  return [...store.search(table, {})];
}

test('a session outlives a restart, and ends in time', async () => {
  await using opened = await TestStore.open();
  await putQuickUser(opened.store, { username: 'admin', password: 'secret', role: 'super_user' });
  let now = Date.now();
  const open = (): Sessions => new Sessions({ store: opened.store, timeoutMs: dayMs, now: () => now });
  const secret = await begin(open(), opened.store);

  await opened.reopen();

  expect(open().holderOf(secret)?.user.username).toBe('admin');
  now += dayMs - 1;
  expect(open().holderOf(secret)?.user.username).toBe('admin');
  now += 1;
  expect(open().holderOf(secret)).toBeUndefined();
});

test('a user has at most 20 sessions, and what is over is removed with the next login', async () => {
  await using opened = await TestStore.open();
  const { store } = opened;
  await putQuickUser(store, { username: 'admin', password: 'secret', role: 'super_user' });
  let now = Date.now();
  const sessions = new Sessions({ store, timeoutMs: dayMs, now: () => now });
  const secrets: string[] = [];

  for (let count = 0; count < 22; count += 1) {
    now += 1;
    secrets.push(await begin(sessions, store));
  }

  expect(secrets.map((secret) => sessions.holderOf(secret) !== undefined)).toEqual([
    ...[false, false],
    ...Array.from({ length: 20 }, () => true),
  ]);
  now += dayMs;
  await begin(sessions, store);
  expect(rowsOf(store)).toHaveLength(1);
});

test('the table of sessions gives nobody a session', async () => {
  await using opened = await TestStore.open();
  const { store } = opened;
  await putQuickUser(store, { username: 'admin', password: 'secret', role: 'super_user' });
  const sessions = new Sessions({ store, timeoutMs: dayMs, now: Date.now });
  const secret = await begin(sessions, store);

  const [row] = rowsOf(store) as { readonly id: string }[];

  expect(JSON.stringify(row)).not.toContain(secret);
  expect(sessions.holderOf(row?.id ?? '')).toBeUndefined();
});

test('who has proved a password that was replaced meanwhile has no session', async () => {
  await using opened = await TestStore.open();
  const { store } = opened;
  await putQuickUser(store, { username: 'admin', password: 'secret', role: 'super_user' });
  const sessions = new Sessions({ store, timeoutMs: dayMs, now: Date.now });
  const proved = admin(store);

  await putQuickUser(store, { username: 'admin', password: 'another', role: 'super_user' });

  expect(await sessions.begin(proved)).toBeUndefined();
});

test('nobody who is no stored user has a session', async () => {
  await using opened = await TestStore.open();
  const sessions = new Sessions({ store: opened.store, timeoutMs: dayMs, now: Date.now });

  expect(await sessions.begin(localUser)).toBeUndefined();
  expect(sessions.holderOf('')).toBeUndefined();
});
