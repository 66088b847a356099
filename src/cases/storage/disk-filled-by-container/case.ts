import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'storage/disk-filled-by-container',
  title: { en: 'It fills a disk that others need too', 'zh-CN': '它写满了与他人共用的磁盘' },
  symptoms: ['disk-full'],
  questions: ['goodNeighbour', 'hostSafe'],
  namespaces: ['mnt'],
  controllers: [],
  needs: ['fileSystems'],
  mayUse: ['diskUse', 'unlinkedFiles', 'processes'],
  references: [
    'statfs(2); write(2), ENOSPC',
    'Documentation/filesystems/overlayfs.rst, upperdir',
    'Documentation/filesystems/quota.rst; xfs_quota(8), project quota',
    'proc(5), /proc/<pid>/io write_bytes',
  ],
});
