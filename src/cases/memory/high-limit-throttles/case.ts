import { defineCase, type RuleOf } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'memory/high-limit-throttles',
  title: {
    en: 'Put to sleep at memory.high, and not killed',
    'zh-CN': '触及 memory.high 被强制睡眠，却不被杀死',
  },
  symptoms: ['slow', 'jitter', 'hangs'],
  questions: ['healthy', 'limited'],
  namespaces: [],
  controllers: ['memory'],
  needs: ['memory'],
  mayUse: ['pressure', 'processes'],
  references: [
    'Documentation/admin-guide/cgroup-v2.rst (memory.high, memory.events)',
    'mm/memcontrol.c: mem_cgroup_handle_over_high, calculate_high_delay, MEMCG_MAX_HIGH_DELAY_JIFFIES',
    'kubernetes.io, KEP-2570: Memory QoS with cgroups v2 (memoryThrottlingFactor)',
  ],
});

export type HighLimitFacts = Parameters<RuleOf<typeof definition>>[0];
