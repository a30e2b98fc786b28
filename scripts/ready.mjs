// Brings this clone to the point where it can run, for scripts whose standard output is for something else.
import { ensureReady, runScript } from './ensure.mjs';

await runScript(ensureReady);
