import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'storage/deleted-but-open',
  title: { en: 'Deleted files keep the disk full', 'zh-CN': '已删除的文件仍占用磁盘' },
  symptoms: ['disk-full', 'wrong-metrics'],
  questions: ['goodNeighbour', 'hostSafe'],
  namespaces: ['mnt'],
  controllers: [],
  needs: ['unlinkedFiles'],
  mayUse: ['processes'],
  references: [
    'unlink(2)',
    'fs/inode.c: iput_final, evict',
    'Documentation/filesystems/vfs.rst, "struct inode"',
    'fs/d_path.c: path_with_deleted',
  ],
});
