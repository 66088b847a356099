import { defineCase, type RuleOf } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'memory/shm-full',
  title: { en: '/dev/shm full', 'zh-CN': '/dev/shm 已满' },
  symptoms: ['disk-full', 'killed', 'exited'],
  questions: ['healthy'],
  namespaces: ['mnt', 'ipc'],
  controllers: [],
  needs: ['sharedMemory'],
  mayUse: ['memory'],
  references: [
    'Documentation/filesystems/tmpfs.rst (size, nr_blocks)',
    'mm/shmem.c: shmem_inode_acct_blocks, shmem_fault, shmem_statfs',
    'man 7 shm_overview, man 3 posix_fallocate',
  ],
});

export type ShmFullFacts = Parameters<RuleOf<typeof definition>>[0];
