import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'storage/inodes-exhausted',
  title: { en: 'No inodes left: files cannot be made', 'zh-CN': 'inode 耗尽：无法创建文件' },
  symptoms: ['disk-full'],
  questions: ['healthy'],
  namespaces: ['mnt'],
  controllers: [],
  needs: ['fileSystems'],
  mayUse: ['diskUse'],
  references: [
    'statfs(2), f_files and f_ffree',
    'fs/ext4/ialloc.c: __ext4_new_inode, ENOSPC when no group has one',
    'mkfs.ext4(8), -N and -i',
    'Documentation/filesystems/ext4/inodes.rst',
  ],
});
