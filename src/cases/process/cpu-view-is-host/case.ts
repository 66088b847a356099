import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'process/cpu-view-is-host',
  title: {
    en: "It sees the host's CPUs, not its limit",
    'zh-CN': '容器看到的是宿主机的 CPU，而不是自己的上限',
  },
  symptoms: ['wrong-metrics', 'slow', 'jitter'],
  questions: ['healthy'],
  namespaces: [],
  controllers: ['cpu', 'cpuset'],
  needs: ['cpu', 'processes'],
  mayUse: ['cpuset'],
  references: [
    'Documentation/scheduler/sched-bwc.rst',
    'sched_getaffinity(2)',
    'fs/proc/stat.c: show_stat; fs/proc/loadavg.c: loadavg_proc_show',
    'proc(5), /proc/stat and /proc/loadavg',
  ],
});
