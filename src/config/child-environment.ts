import { canonical, factsOf, settingKeys } from './key-index.ts';
import type { Variables } from './sources.ts';

/** Passwords for others than this node. */
const otherSecrets = ['CLI_TARGET_PASSWORD', 'HDB_LEADER_PASSWORD'];

/** The environment of this process for a program that it runs, without the passwords: none of them needs one. */
export function childEnvironment(variables: Variables = process.env): Variables {
  const ofSettings = settingKeys().flatMap((key) => {
    const { aliases = [], isSecret } = factsOf(key);
    return isSecret === true ? [key, ...aliases] : [];
  });
  const secrets = new Set([...ofSettings, ...otherSecrets].map(canonical));
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !secrets.has(canonical(name))));
}
