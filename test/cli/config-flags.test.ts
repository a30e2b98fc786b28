import { expect, it } from 'vitest';
import { takeConfigFlags } from '../../src/cli/config-flags.ts';

it('takes the settings out of the arguments, wherever they stand', () => {
  const argv = '--ROOTPATH /x start --SERVER_PORT=0 --CLUSTERING --NODE_NAME a=b'.split(' ');

  expect(takeConfigFlags(argv)).toEqual({
    flags: { ROOTPATH: '/x', SERVER_PORT: '0', CLUSTERING: 'true', NODE_NAME: 'a=b' },
    rest: ['start'],
  });
});

it('leaves the options of the commands and the fields of an operation alone', () => {
  const argv = 'insert table=dog --json --target http://h:1 --password --odd name=--x -h'.split(' ');

  expect(takeConfigFlags(argv)).toEqual({ flags: {}, rest: argv });
});

it('takes a negative number as a value', () => {
  expect(takeConfigFlags(['--SERVER_PORT', '-1']).flags).toEqual({ SERVER_PORT: '-1' });
});
