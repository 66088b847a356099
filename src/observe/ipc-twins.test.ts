import { expect, test } from 'vitest';
import { container } from '../../test/support/facts.ts';
import { temporaryTree } from '../../test/support/tree.ts';
import { hostPid } from '../linux/units.ts';
import { findIpcTwins } from './ipc-twins.ts';

test('an exited container, and one of a stored tree, say why not', () => {
  using tree = temporaryTree({});
  const gone = container({ init: null, state: 'exited' });
  expect(findIpcTwins(tree.files, gone, [gone])).toMatchObject({ present: false, because: 'vanished' });
  const other = container({ init: hostPid(12) });
  expect(findIpcTwins(tree.files, other, [other]).present).toBe(false);
});
