import { defineCase, type RuleOf } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'memory/page-cache-fills-limit',
  title: { en: 'Memory limit full of page cache', 'zh-CN': '内存上限被页缓存占满' },
  symptoms: ['wrong-metrics', 'slow', 'io-slow'],
  questions: ['healthy'],
  namespaces: [],
  controllers: ['memory'],
  needs: ['memory'],
  mayUse: ['pressure'],
  references: [
    'Documentation/admin-guide/cgroup-v2.rst (memory.current, memory.stat, memory.events)',
    'Documentation/admin-guide/cgroup-v1/memory.rst (2.3 Shared Page Accounting, 5.2 stat file)',
    'mm/filemap.c: filemap_add_folio; mm/memcontrol.c: try_charge_memcg',
    'mm/workingset.c: workingset_refault',
  ],
});

export type PageCacheFacts = Parameters<RuleOf<typeof definition>>[0];
