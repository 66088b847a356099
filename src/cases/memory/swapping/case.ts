import { defineCase, type RuleOf } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'memory/swapping',
  title: { en: 'Memory in use comes back from swap', 'zh-CN': '在用的内存反复换入换出' },
  symptoms: ['slow', 'jitter', 'io-slow'],
  questions: ['healthy'],
  namespaces: [],
  controllers: ['memory'],
  needs: ['memory'],
  mayUse: ['pressure', 'processes'],
  references: [
    'Documentation/admin-guide/cgroup-v2.rst (memory.swap.max, memory.stat workingset_refault_anon)',
    'Documentation/admin-guide/cgroup-v1/memory.rst (2.4 Swap Extension, 5.3 swappiness)',
    'mm/workingset.c: workingset_refault; mm/memory.c: do_swap_page',
    'mm/vmscan.c: shrink_lruvec, get_scan_count',
  ],
});

export type SwappingFacts = Parameters<RuleOf<typeof definition>>[0];
