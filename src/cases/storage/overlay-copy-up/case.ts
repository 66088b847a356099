import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'storage/overlay-copy-up',
  title: { en: 'Whole files are copied to its layer', 'zh-CN': '整个文件被复制到可写层' },
  symptoms: ['io-slow', 'slow', 'disk-full'],
  questions: ['healthy'],
  namespaces: ['mnt'],
  controllers: [],
  needs: ['copiedUp'],
  mayUse: ['pressure', 'processes'],
  references: [
    'Documentation/filesystems/overlayfs.rst, "Non-directories"',
    'fs/overlayfs/copy_up.c: ovl_copy_up_one, ovl_copy_up_data',
    'fs/overlayfs/namei.c: ovl_lookup',
    'Documentation/filesystems/overlayfs.rst, metacopy',
  ],
});
