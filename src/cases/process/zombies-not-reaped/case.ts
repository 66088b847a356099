import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'process/zombies-not-reaped',
  title: { en: 'Ended processes are not reaped', 'zh-CN': '僵尸进程无人回收' },
  symptoms: ['cannot-fork', 'wrong-metrics'],
  questions: ['healthy', 'goodNeighbour'],
  namespaces: ['pid'],
  controllers: ['pids'],
  needs: ['processes'],
  mayUse: ['pids', 'freezer'],
  references: [
    'kernel/exit.c: exit_notify, do_notify_parent, wait_task_zombie, find_new_reaper',
    'kernel/cgroup/pids.c: pids_can_fork, pids_release',
    'wait(2), NOTES on zombies and SIGCHLD',
  ],
});
