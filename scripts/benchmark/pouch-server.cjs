// One PouchDB behind HTTP, as express-pouchdb serves it: pouch-server.cjs PACKAGES DATA
const { createRequire } = require('node:module');
const path = require('node:path');

const [packages, data] = process.argv.slice(2);
const load = createRequire(path.join(packages, 'package.json'));
const PouchDB = load('pouchdb').defaults({ prefix: `${data}/` });
const server = load('express')();
server.use(
  '/',
  load('express-pouchdb')(PouchDB, {
    mode: 'minimumForPouchDB',
    overrideMode: { include: ['routes/find', 'routes/replicate'] },
    inMemoryConfig: true,
    logPath: path.join(data, 'log.txt'),
  }),
);
const listening = server.listen(0, '127.0.0.1', () => {
  const address = listening.address();
  process.stdout.write(`ready on ${typeof address === 'object' ? address?.port : address}\n`);
});
process.on('SIGTERM', () => process.exit(0));
