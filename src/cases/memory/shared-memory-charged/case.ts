import { defineCase, type RuleOf } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'memory/shared-memory-charged',
  title: { en: 'Memory held by tmpfs files and shared memory', 'zh-CN': '内存被 tmpfs 文件与共享内存占住' },
  symptoms: ['killed', 'wrong-metrics', 'slow'],
  questions: ['healthy'],
  namespaces: ['ipc', 'mnt'],
  controllers: ['memory'],
  needs: ['memory'],
  mayUse: ['sharedMemory', 'processes'],
  references: [
    'Documentation/filesystems/tmpfs.rst',
    'Documentation/admin-guide/cgroup-v2.rst (memory.stat shmem; Memory Ownership)',
    'mm/shmem.c: shmem_get_folio_gfp, shmem_evict_inode',
    'ipc/shm.c: newseg, shm_destroy',
  ],
});

export type SharedMemoryCaseFacts = Parameters<RuleOf<typeof definition>>[0];
