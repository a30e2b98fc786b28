import { fileURLToPath } from 'node:url';

/** Where this package is installed; what is built lies as deep in it as the sources. */
export const packageRoot = fileURLToPath(new URL('../..', import.meta.url));
