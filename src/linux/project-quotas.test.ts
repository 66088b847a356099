import { expect, test } from 'vitest';
import { temporaryTree } from '../../test/support/tree.ts';
import { knowsProjectQuotas } from './project-quotas.ts';

const release = { '/proc/sys/kernel/osrelease': '6.1.0-56\n' };
const modules = (names: readonly string[]) => ({
  '/lib/modules/6.1.0-56/modules.dep': names
    .map(name => `kernel/fs/${name}.ko: kernel/fs/quota/x.ko\n`)
    .join(''),
});

test.each([
  ['Debian’s modules', { ...release, ...modules(['quota/quota_v2', 'xfs/xfs']) }, true, true],
  ['no XFS', { ...release, ...modules(['quota/quota_v2']) }, true, false],
  ['no format', { ...release, ...modules(['xfs/xfs']) }, false, false],
  ['no modules at all', release, false, false],
  [
    'XFS is loaded, without quotas',
    { ...release, ...modules(['quota/quota_v2', 'xfs/xfs']), '/proc/fs/xfs/stat': '' },
    true,
    false,
  ],
  ['XFS built in, with quotas', { ...release, '/proc/fs/xfs/stat': '', '/proc/fs/xfs/xqm': '' }, false, true],
])('%s', (_, contents, ext4, xfs) => {
  using tree = temporaryTree(contents);
  expect(knowsProjectQuotas(tree.files, 'ext4')).toBe(ext4);
  expect(knowsProjectQuotas(tree.files, 'xfs')).toBe(xfs);
});
