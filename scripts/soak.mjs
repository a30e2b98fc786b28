// Runs simulated histories (test/simulation) until told to stop.
import { fileURLToPath } from 'node:url';
import { runNode } from './run-node.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const soak = ['--max-semi-space-size=64', '--import', 'tsx', 'test/simulation/soak.ts'];
process.exitCode = (await runNode([...soak, ...process.argv.slice(2)], root)) ?? 1;
