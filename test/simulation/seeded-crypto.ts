import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { forgetDrawnIds } from '../../src/model/random-id.ts';
import type { Random } from './random.ts';

let current: Random | undefined;

/**
 * Runs `body` with the ids that the core draws coming from one seed: a history that is run again is the same.
 *
 * The core draws them from node:crypto itself, whose exports every module sees change.
 */
export function withSeededIds<T>(random: Random, body: () => T): T {
  install();
  const before = current;
  current = random;
  forgetDrawnIds();
  try {
    return body();
  } finally {
    current = before;
    forgetDrawnIds();
  }
}

let isInstalled = false;

function install(): void {
  if (isInstalled) return;
  isInstalled = true;
  const { randomBytes } = crypto;
  const seeded = (size: number): Buffer => current?.bytes(size) ?? randomBytes(size);
  Object.assign(crypto, { randomBytes: seeded });
  syncBuiltinESMExports();
}
