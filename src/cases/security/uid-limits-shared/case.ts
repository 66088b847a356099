import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'security/uid-limits-shared',
  title: {
    en: "Others with the same uid use up the uid's limits",
    'zh-CN': '相同 uid 的其他容器用光了这个 uid 的上限',
  },
  symptoms: ['cannot-fork', 'permission-denied'],
  questions: ['isolated', 'healthy'],
  namespaces: ['user'],
  controllers: [],
  needs: ['uidUsage'],
  mayUse: ['pids'],
  references: [
    'kernel/ucount.c: inc_rlimit_ucounts, is_rlimit_overlimit, inc_ucount',
    'kernel/fork.c: copy_process (EAGAIN above RLIMIT_NPROC)',
    'kernel/sys.c: set_user, flag_nproc_exceeded',
    'fs/notify/inotify/inotify_user.c: inotify_new_group',
  ],
});
