import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'process/pids-limit-reached',
  title: { en: 'Live tasks fill the pids limit', 'zh-CN': '存活的任务占满了 pids 上限' },
  symptoms: ['cannot-fork', 'hangs'],
  questions: ['healthy'],
  namespaces: [],
  controllers: ['pids'],
  needs: ['pids', 'processes'],
  mayUse: [],
  references: [
    'Documentation/admin-guide/cgroup-v1/pids.rst',
    'Documentation/admin-guide/cgroup-v2.rst, "PID"',
    'kernel/cgroup/pids.c: pids_can_fork, pids_try_charge, pids_event',
    'fork(2), EAGAIN',
  ],
});
