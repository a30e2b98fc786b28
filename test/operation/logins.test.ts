import { expect, test } from 'vitest';
import { pino } from 'pino';
import { Logins } from '../../src/operation/user/logins.ts';
import { provideRoles } from '../../src/operation/user/put-user.ts';
import { systemTable } from '../../src/operation/system-table.ts';
import { quickHash } from './quick-user.ts';
import { TestStore } from '../store/test-store.ts';

const hash = quickHash('right');
const others = Array.from({ length: 100 }, (_, index) => `user ${index}`);

/** `bob` and others with the password `right`; `guess` begins a login that is wrong, `ended` counts those that were read. */
async function openLogins() {
  const opened = await TestStore.open();
  await provideRoles(opened.store);
  await opened.store.write({
    table: systemTable(opened.store, 'hdb_user'),
    operation: 'upsert',
    documents: ['bob', ...others].map((username) => ({ username, password: hash, role: 'super_user' })),
  });
  const logins = new Logins({ store: opened.store, steadyMs: () => 0, log: pino({ enabled: false }) });
  const guesses: Promise<unknown>[] = [];
  let [count, ended] = [0, 0];
  return {
    guess: (username: string, address: string): void => {
      const password = `wrong ${(count += 1)}`;
      const login = logins.login({ username, password, address });
      guesses.push(
        login.then(
          () => (ended += 1),
          () => undefined,
        ),
      );
    },
    ended: () => ended,
    login: (address: string, username = 'bob', password = 'right') =>
      logins.login({ username, password, address }),
    async [Symbol.asyncDispose]() {
      await Promise.all(guesses);
      await opened[Symbol.asyncDispose]();
    },
  };
}

test.each([
  ['a dozen IPv4 addresses', (index: number) => `10.0.${index % 12}.1`],
  ['one IPv6 /56', (index: number) => `2001:db8:0:${(index % 256).toString(16)}::1`],
])('wrong passwords from %s lock nobody out at another address', async (_, addressOf) => {
  await using t = await openLogins();
  for (let index = 0; index < 600; index += 1) t.guess(`user ${index % 100}`, addressOf(index));

  expect(await t.login('192.0.2.1')).toMatchObject({ username: 'bob' });
});

test('wrong passwords from anywhere lock nobody out where the user has logged in, who waits for none of them', async () => {
  await using t = await openLogins();
  await t.login('192.0.2.1');
  for (let index = 0; index < 90; index += 1) t.guess(`user ${index}`, `10.${index}.0.1`);
  const elsewhere = t.login('198.51.100.1', 'bob', 'wrong').catch((error: unknown) => error);

  // The right one is remembered.
  const mistyped = await t.login('192.0.2.1', 'bob', 'rihgt');

  expect(mistyped).toBeUndefined();
  expect(t.ended()).toBeLessThan(3);
  expect(await elsewhere).toMatchObject({
    code: 'unavailable',
    message: 'Too many logins at once, try again',
  });
});

test('who finds no room has not guessed, and is not slowed down for it', async () => {
  await using t = await openLogins();
  for (let index = 0; index < 75; index += 1) t.guess(`user ${index}`, `10.${index}.0.1`);
  for (let index = 0; index < 30; index += 1)
    await expect(t.login('192.0.2.1')).rejects.toMatchObject({ code: 'unavailable' });
  while (t.ended() < 75) await new Promise(setImmediate);

  expect(await t.login('192.0.2.1')).toMatchObject({ username: 'bob' });
});

test('a place has few logins at once, whatever the user', async () => {
  await using t = await openLogins();
  for (let index = 0; index < 6; index += 1) t.guess(`user ${index}`, '2001:db8::1');

  await expect(t.login('2001:db8::2')).rejects.toMatchObject({ code: 'unavailable' });
});
