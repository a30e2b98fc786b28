// Makes sure that there is a nats-server this project can use. Safe to run again at any time.
import { fileURLToPath } from 'node:url';
import { ensureNatsServer } from './nats-server/ensure.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

try {
  const server = await ensureNatsServer(root, (message) => console.log(`setup: ${message}`));
  console.log(`setup: nats-server ${server.version} (${server.where})`);
} catch (error) {
  console.error(`setup: ${error.message}`);
  process.exitCode = 1;
}
