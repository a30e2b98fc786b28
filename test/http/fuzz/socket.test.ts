import { connect } from 'node:net';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { admin } from '../open-server.ts';
import { openFuzzServer } from './open-fuzz-server.ts';

const seed = Number(process.env['FUZZ_SEED'] ?? 20_261_120);

function post(body: string, headers = ''): string {
  return `POST / HTTP/1.1\r\nhost: x\r\nauthorization: ${admin}\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

const describe = post('{"operation":"describe_all"}');

/** What may come down a connection, one after the other; nothing of it changes the store. */
const piece: fc.Arbitrary<Buffer> = fc.oneof(
  fc.constant(Buffer.from(describe)),
  fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
  fc
    .constantFrom(
      'GET /health HTTP/1.1\r\nhost: x\r\n\r\n',
      'GET / HTTP/1.1\r\n\r\n',
      'GET /openapi.json HTTP/9.9\r\nhost: x\r\n\r\n',
      `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nhost: x\r\n\r\n`,
      `GET /health HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(20_000)}\r\n\r\n`,
      'GET /changes/dev/%E0%A4%A HTTP/1.1\r\nhost: x\r\n\r\n',
      'GET /changes/%00/dog HTTP/1.1\r\nhost: x\r\n\r\n',
      'PUT /../../etc/passwd HTTP/1.1\r\nhost: x\r\n\r\n',
      'OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n',
      'CONNECT x:1 HTTP/1.1\r\nhost: x\r\n\r\n',
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
      'GET /health HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n',
      post('', 'content-length: 5\r\n'),
      post('{}', 'transfer-encoding: chunked\r\n'),
      `POST / HTTP/1.1\r\nhost: x\r\nauthorization: ${admin}\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`,
      `POST / HTTP/1.1\r\nhost: x\r\nauthorization: ${admin}\r\ncontent-length: -1\r\n\r\n`,
      `POST / HTTP/1.1\r\nhost: x\r\nauthorization: ${admin}\r\ncontent-length: 99999999999999999999\r\n\r\n{`,
      'POST / HTTP/1.1\r\nhost: x\r\nauthorization: Basic\r\ncontent-length: 2\r\n\r\n{}',
      'POST / HTTP/1.1\r\nhost: x\r\nauthorization: Bearer a.b.c\r\ncontent-length: 2\r\n\r\n{}',
      'POST / HTTP/1.1\r\nhost: x\r\ncookie: =;;=\u00ff\r\ncontent-length: 2\r\n\r\n{}',
      post('{}', 'content-type: \u00e4;;;\r\naccept: */;q=x\r\naccept-encoding: ,;q=-1\r\n'),
      post('{}', 'expect: 100-continue\r\n'),
      post('{}', 'expect: nonsense\r\n'),
      describe.slice(0, -5),
      'HTTP/1.1 200 OK\r\n\r\n',
      '\r\n\r\n\r\n',
      '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
    )
    .map((text) => Buffer.from(text, 'latin1')),
);

test(
  'whatever is pipelined down a connection, no answer is a bug, the store stays, and the next client is served',
  { timeout: 60_000 },
  async () => {
    console.log(`fuzz: 300 connections, seed ${seed}`);
    await using server = await openFuzzServer();
    const before = server.digest();
    const statuses = new Set<string>();

    await fc.assert(
      fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 4 }), async (pieces) => {
        const text = await exchange(server.t.server.port ?? 0, pieces);

        const answered = [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status = '']) => status);
        for (const status of answered) statuses.add(status);
        expect(answered.filter((status) => status >= '500')).toEqual([]);
        expect(text).not.toMatch(/\bat \S+ \(|node_modules|node:internal/);
        expect(server.digest()).toBe(before);
      }),
      { numRuns: 300, seed },
    );

    expect([...statuses]).toEqual(expect.arrayContaining(['200', '400', '401', '404', '431']));
    expect((await server.t.post({ operation: 'user_info' })).status).toBe(200);
  },
);

/** Sends all of it at once and hangs up its side; what came back until the server closed, too. */
function exchange(port: number, pieces: readonly Buffer[]): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    let text = '';
    socket
      .on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
      // A server that closes before everything was sent is seen as an error here.
      .on('error', () => socket.destroy())
      .on('end', () => socket.destroy())
      .on('close', () => resolve(text));
    socket.end(Buffer.concat(pieces));
  });
}
