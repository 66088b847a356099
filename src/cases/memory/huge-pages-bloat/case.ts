import { defineCase, type RuleOf } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'memory/huge-pages-bloat',
  title: { en: 'Transparent huge pages that are mostly empty', 'zh-CN': '大部分为空的透明大页' },
  symptoms: ['killed', 'wrong-metrics'],
  questions: ['healthy'],
  namespaces: [],
  controllers: ['memory'],
  needs: ['memory'],
  mayUse: ['hugeMemory', 'transparentHugePages', 'processes'],
  references: [
    'Documentation/admin-guide/mm/transhuge.rst',
    'mm/huge_memory.c: do_huge_pmd_anonymous_page, thp_underused',
    'mm/khugepaged.c: max_ptes_none',
    'man 2 madvise (MADV_HUGEPAGE), man 2 prctl (PR_SET_THP_DISABLE)',
  ],
});

export type HugePagesBloatFacts = Parameters<RuleOf<typeof definition>>[0];
