// Answers every request as a node answers an insert, and does nothing else. Arguments: host and port.
import { createServer } from 'node:http';

const answer = Buffer.from(
  '{"message":"inserted 1 of 1 records","inserted_hashes":["r-000000000"],"skipped_hashes":[]}',
);
const [host, port] = process.argv.slice(2);

createServer((request, response) => {
  request.resume().once('end', () => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length });
    response.end(answer);
  });
}).listen(Number(port), host, () => process.stdout.write('ready\n'));
