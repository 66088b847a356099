import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'process/load-from-blocked-tasks',
  title: {
    en: 'Tasks stuck in uninterruptible sleep make the load',
    'zh-CN': '不可中断睡眠的任务推高了负载',
  },
  symptoms: ['high-load', 'hangs', 'will-not-stop'],
  questions: ['healthy'],
  namespaces: [],
  controllers: ['freezer', 'memory'],
  needs: ['processes'],
  mayUse: ['freezer', 'memory', 'cpu'],
  references: [
    'kernel/sched/loadavg.c: calc_load_fold_active',
    'kernel/fork.c: wait_for_vfork_done',
    'fs/super.c: freeze_super, sb_start_write',
    'mm/memcontrol-v1.c: mem_cgroup_oom_synchronize',
    'Documentation/admin-guide/cgroup-v1/memory.rst, OOM Control',
  ],
});
