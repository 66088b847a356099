import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'process/cpu-throttled',
  title: { en: 'CPU throttled by its quota', 'zh-CN': 'CPU 被配额限流' },
  symptoms: ['slow', 'jitter', 'hangs'],
  questions: ['healthy'],
  namespaces: [],
  controllers: ['cpu'],
  needs: ['cpu'],
  mayUse: ['cpuset', 'processes', 'traced'],
  instruments: ['throttle'],
  references: [
    'Documentation/scheduler/sched-bwc.rst',
    'Documentation/admin-guide/cgroup-v2.rst, "CPU Interface Files"',
    'kernel/sched/fair.c: throttle_cfs_rq, sched_cfs_period_timer, distribute_cfs_runtime',
  ],
});
