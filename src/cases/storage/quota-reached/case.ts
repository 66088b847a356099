import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'storage/quota-reached',
  title: { en: 'Its quota is used up', 'zh-CN': '磁盘配额已用完' },
  symptoms: ['disk-full'],
  questions: ['healthy'],
  namespaces: ['mnt'],
  controllers: [],
  needs: ['fileSystems'],
  mayUse: ['diskUse', 'unlinkedFiles'],
  references: [
    'statfs(2); write(2), ENOSPC and EDQUOT',
    'xfs_quota(8), project quota; fs/xfs/xfs_qm_bhv.c: xfs_qm_statvfs',
    'fs/ext4/super.c: ext4_statfs_project',
    'Documentation/filesystems/quota.rst',
  ],
});
