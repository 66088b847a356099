import { expect, test } from 'vitest';
import { askTool, runTool } from './run.ts';

test('a tool that is not there says which package has it', () => {
  expect(askTool('glassbox-no-such-tool', ['-j'], 'iproute2')).toEqual({
    present: false,
    what: 'glassbox-no-such-tool -j',
    because: 'disabled',
    remedy: 'there is no glassbox-no-such-tool here: apt-get install iproute2',
  });
});

test('a refusal for lack of rights is told from other failures', () => {
  const ask = (message: string) => askTool('sh', ['-c', `echo "${message}" >&2; exit 1`], 'dash');
  expect(ask('Operation not permitted (you must be root)')).toMatchObject({
    because: 'not-permitted',
    remedy: 'run as root',
  });
  expect(ask('out of luck')).toMatchObject({ because: 'unreadable', remedy: 'it answered: out of luck' });
});

test('an answer without end is cut off, not kept', () => {
  expect(runTool('head', ['-c', '70000000', '/dev/zero'], 'coreutils')).toMatchObject({
    present: false,
    because: 'unreadable',
  });
});

test('messages are in English whatever the locale', () => {
  expect(runTool('sh', ['-c', 'echo $LC_ALL'], 'dash')).toMatchObject({ value: { code: 0, output: 'C\n' } });
});
