import { expect, test } from 'vitest';
import { formatSource, parseList, parseSources } from '../../scripts/distribution/apt-sources.mjs';

test('paragraphs of a .sources file are read with their comments, keys and switches', () => {
  const text = `Types: deb deb-src
# The mirror next door
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm

Types: deb-src
URIs: http://source.example/debian
Suites: bookworm
`;

  expect(parseSources(text)).toEqual([
    {
      uri: 'http://mirror.example/debian',
      suites: ['bookworm', 'bookworm-updates'],
      signedBy: '-----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc',
      isTrusted: false,
    },
  ]);
});

test('lines of a .list file are read with and without options', () => {
  const text = `# deb http://off.example/debian bookworm main
deb [arch=amd64 signed-by=/keys/a.gpg] https://mirror.example/debian bookworm main contrib
deb [trusted=yes] http://other.example/debian bookworm-security main
deb-src http://source.example/debian bookworm main
`;

  expect(parseList(text)).toEqual([
    { uri: 'https://mirror.example/debian', suites: ['bookworm'], signedBy: '/keys/a.gpg', isTrusted: false },
    {
      uri: 'http://other.example/debian',
      suites: ['bookworm-security'],
      signedBy: undefined,
      isTrusted: true,
    },
  ]);
});

test('an archive without a key that the machine trusts is trusted in another suite too', () => {
  const [source] = parseSources(
    'Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\nTrusted: yes\n',
  );

  expect(formatSource(source, 'sid', 'main')).toMatch(/^Trusted: yes$/m);
});

test('another suite of an archive keeps its address and its key', () => {
  const source = { uri: 'http://mirror.example/debian', suites: ['bookworm'], signedBy: '/keys/a.gpg' };

  expect(formatSource(source, 'sid', 'main')).toBe(
    'Types: deb\nURIs: http://mirror.example/debian\nSuites: sid\nComponents: main\nSigned-By: /keys/a.gpg\n',
  );
});
