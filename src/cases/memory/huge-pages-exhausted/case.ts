import { defineCase, type RuleOf } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'memory/huge-pages-exhausted',
  title: { en: 'Huge pages refused by a limit', 'zh-CN': '大页申请被上限拒绝' },
  symptoms: ['killed', 'exited'],
  questions: ['healthy'],
  namespaces: [],
  controllers: ['hugetlb'],
  needs: ['processes'],
  mayUse: ['hugetlb', 'hugePagePools'],
  references: [
    'Documentation/admin-guide/cgroup-v2.rst (HugeTLB)',
    'Documentation/admin-guide/cgroup-v1/hugetlb.rst (fault and reservation accounting)',
    'Documentation/admin-guide/mm/hugetlbpage.rst',
    'mm/hugetlb_cgroup.c: __hugetlb_cgroup_charge_cgroup, hugetlb_event',
    'mm/hugetlb.c: alloc_hugetlb_folio, hugetlb_reserve_pages, hugetlb_no_page',
  ],
});

export type HugePagesExhaustedFacts = Parameters<RuleOf<typeof definition>>[0];
