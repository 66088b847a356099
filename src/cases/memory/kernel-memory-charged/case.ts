import { defineCase, type RuleOf } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'memory/kernel-memory-charged',
  title: { en: 'Memory limit taken by kernel memory', 'zh-CN': '内存上限被内核内存占用' },
  symptoms: ['killed', 'wrong-metrics', 'slow'],
  questions: ['healthy'],
  namespaces: ['mnt'],
  controllers: ['memory'],
  needs: ['memory'],
  mayUse: ['sharedMemory', 'processes'],
  references: [
    'Documentation/admin-guide/cgroup-v2.rst (memory.stat kernel, slab_reclaimable, kernel_stack, pagetables)',
    'Documentation/admin-guide/cgroup-v1/memory.rst (2.7 Kernel Memory Extension)',
    'mm/memcontrol.c: obj_cgroup_charge_pages, account_kmem; mm/slub.c: memcg_slab_post_alloc_hook',
    'mm/shmem.c: shmem_init_inodecache; fs/libfs.c: simple_dentry_operations',
  ],
});

export type KernelMemoryFacts = Parameters<RuleOf<typeof definition>>[0];
