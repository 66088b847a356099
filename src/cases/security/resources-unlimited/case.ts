import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'security/resources-unlimited',
  title: { en: 'Nothing limits its memory or its processes', 'zh-CN': '内存或进程数没有任何限制' },
  symptoms: [],
  questions: ['limited', 'hostSafe'],
  namespaces: [],
  controllers: ['memory', 'pids'],
  needs: [],
  mayUse: ['memory', 'pids', 'cpu'],
  references: [
    'Documentation/admin-guide/cgroup-v2.rst, "Memory Interface Files", "PID"',
    'Documentation/admin-guide/cgroup-v1/memory.rst, Documentation/admin-guide/cgroup-v1/pids.rst',
    'mm/page_counter.c: page_counter_try_charge (a charge must fit every ancestor)',
    'kernel/cgroup/pids.c: pids_try_charge',
  ],
});
