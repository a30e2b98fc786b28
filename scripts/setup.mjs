// Makes sure that there is a nats-server this project can use. Safe to run again at any time.
import { ensureServer, runScript } from './ensure.mjs';

await runScript(ensureServer);
