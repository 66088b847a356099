import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'process/cpu-starved-by-neighbour',
  title: { en: 'A neighbour takes the CPU it needs', 'zh-CN': 'CPU 被邻居占去' },
  symptoms: ['slow', 'jitter'],
  questions: ['healthy'],
  namespaces: [],
  controllers: ['cpu', 'cpuset'],
  needs: ['cpu', 'processes', 'neighbours'],
  mayUse: ['cpuset', 'pressure', 'traced'],
  instruments: ['runq'],
  references: [
    'Documentation/scheduler/sched-design-CFS.rst, group scheduling',
    'Documentation/scheduler/sched-stats.rst, /proc/<pid>/schedstat',
    'Documentation/admin-guide/cgroup-v2.rst, cpu.weight',
    'kernel/sched/fair.c: calc_group_shares; kernel/sched/stats.h: sched_info_arrive',
  ],
});
