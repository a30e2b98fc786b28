import { expect, test } from 'vitest';
import { LoginBrake } from '../../src/operation/user/login-brake.ts';

/** A brake at a time of its own, after `count` failures for the user from the address. */
function after(count: number, username: string, address: string) {
  const clock = { nowMs: 0 };
  const brake = new LoginBrake({ steadyMs: () => clock.nowMs });
  for (let failed = 0; failed < count; failed++) brake.begin(username, address);
  return { brake, clock };
}

test('a few failures cost nothing, then an address gets one attempt a second and is refused beyond', () => {
  const { brake, clock } = after(10, 'admin', '10.0.0.1');

  expect(brake.begin('admin', '10.0.0.1')).toBe(1_000);
  expect(brake.begin('other', '10.0.0.1')).toBe(2_000);
  expect(brake.begin('admin', '10.0.0.1')).toBeUndefined();
  expect(brake.refusedForMs('10.0.0.1')).toBe(1_000);

  clock.nowMs = 2_000;
  expect(brake.begin('admin', '10.0.0.1')).toBe(1_000);
});

test('failures are forgotten', () => {
  const { brake, clock } = after(12, 'admin', '10.0.0.1');

  clock.nowMs = 5 * 60_000;

  expect(brake.begin('admin', '10.0.0.1')).toBe(0);
});

test('other users at other addresses are not slowed down', () => {
  const { brake } = after(12, 'admin', '10.0.0.1');

  expect(brake.begin('bob', '10.0.0.2')).toBe(0);
});

test('a user under attack from everywhere waits a little and is never refused, and not at all where it is known', () => {
  const { brake } = after(0, '', '');
  brake.begin('admin', '10.1.1.1');
  brake.succeeded('admin', '10.1.1.1');
  for (let index = 0; index < 1_000; index++) {
    expect(brake.begin('admin', `10.2.${index >> 8}.${index & 255}`)).toBeLessThanOrEqual(2_000);
  }

  expect(brake.begin('admin', '10.1.1.1')).toBe(0);
  expect(brake.begin('admin', '10.3.0.1')).toBe(2_000);
});

test('right passwords do not add up to a brake', () => {
  const { brake } = after(0, '', '');

  for (let login = 0; login < 100; login++) {
    expect(brake.begin('admin', '10.0.0.1')).toBe(0);
    brake.succeeded('admin', '10.0.0.1');
  }
});

test('the addresses of one IPv6 network are one', () => {
  const { brake } = after(0, '', '');
  for (const host of Array.from({ length: 12 }).keys())
    brake.begin(`u${host}`, `2001:db8::${host.toString(16)}`);

  expect(brake.begin('u', '2001:db8:0:0:ffff::1')).toBeUndefined();
  expect(brake.begin('u', '2001:db8:0:1::1')).toBe(0);
});
