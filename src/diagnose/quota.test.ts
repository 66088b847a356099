import { expect, test } from 'vitest';
import { diskUse, fileSystem } from '../../test/support/facts.ts';
import { quotaFix } from './quota.ts';

const on = (type: string, superOptions: readonly string[] = []) => ({
  type,
  source: '/dev/sdb',
  mountPoint: '/var/lib/docker',
  superOptions,
});
const layer = (type: string, superOptions?: readonly string[]) =>
  fileSystem(
    {},
    {
      type: 'overlay',
      upper: { path: '/var/lib/docker/overlay2/f00/diff', device: '8:16', on: on(type, superOptions) },
    },
  );
const volume = (type: string, superOptions: readonly string[] = []) =>
  fileSystem({}, { type, source: '/dev/sdb', superOptions, hostPath: "/mnt/it's" });

test.each([
  [
    'XFS with projects, a layer: the directory that holds the layer and its work directory',
    layer('xfs', ['rw', 'prjquota']),
    "xfs_quota -x -c 'project -s -p /var/lib/docker/overlay2/f00 42' -c 'limit -p bhard=10g 42' /var/lib/docker",
  ],
  [
    'XFS without: mounted anew',
    layer('xfs', ['rw', 'pqnoenforce']),
    'umount /var/lib/docker; mount -o prjquota /dev/sdb /var/lib/docker; xfs_quota',
  ],
  [
    'ext4 with projects, a volume with a name to quote',
    volume('ext4', ['prjquota']),
    "chattr -R -p 42 +P '/mnt/it'\\''s'; setquota -P 42 0 10G 0 0 /mnt/data",
  ],
  ['ext4 without', volume('ext4'), 'umount /mnt/data; tune2fs -O quota,project /dev/sdb; mount -o prjquota'],
  ['btrfs', volume('btrfs'), 'btrfs quota enable /mnt/data && btrfs qgroup limit 10G'],
])('%s', (_, each, command) => {
  expect(quotaFix(each, diskUse()).command).toContain(command);
});

test('a file system without quotas for directories: another one', () => {
  const fix = quotaFix(volume('f2fs'), diskUse());
  expect(fix).not.toHaveProperty('command');
  expect(fix.action).toContain('f2fs has none for a directory');
});
