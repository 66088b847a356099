import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'process/stop-loses-children',
  title: {
    en: 'A stop kills processes before they can clean up',
    'zh-CN': '停止容器时，子进程来不及清理就被杀掉',
  },
  symptoms: ['killed', 'exited'],
  questions: ['healthy'],
  namespaces: ['pid'],
  controllers: [],
  needs: ['init', 'processes'],
  mayUse: ['initSignals'],
  references: [
    'kernel/pid_namespace.c: zap_pid_ns_processes',
    'kernel/exit.c: find_child_reaper',
    'pid_namespaces(7), "The namespace init process"',
    'POSIX Shell Command Language, 2.14 trap',
  ],
});
