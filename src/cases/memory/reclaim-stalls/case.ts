import { defineCase, type RuleOf } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'memory/reclaim-stalls',
  title: { en: 'Tasks wait while room is made for them', 'zh-CN': '任务停下来等待内存回收' },
  symptoms: ['slow', 'jitter', 'io-slow', 'hangs'],
  questions: ['healthy'],
  namespaces: [],
  controllers: ['memory'],
  needs: ['memory'],
  mayUse: ['pressure', 'processes', 'traced'],
  instruments: ['reclaim'],
  references: [
    'Documentation/admin-guide/cgroup-v2.rst (memory.max)',
    'Documentation/accounting/psi.rst',
    'mm/memcontrol.c: try_charge_memcg',
    'mm/vmscan.c: shrink_folio_list (legacy memcg waits for writeback)',
  ],
});

export type ReclaimStallsFacts = Parameters<RuleOf<typeof definition>>[0];
