import { defineCase, type RuleOf } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'memory/host-oom',
  title: {
    en: 'Killed because the host was out of memory',
    'zh-CN': '宿主机内存耗尽，容器未超限却被内核杀死',
  },
  symptoms: ['killed', 'exited'],
  questions: ['healthy'],
  namespaces: [],
  controllers: ['memory'],
  needs: [],
  mayUse: ['memory', 'oomReports', 'init', 'processes', 'pids', 'traced'],
  instruments: ['oom'],
  references: [
    'mm/oom_kill.c: out_of_memory, constrained_alloc, oom_badness',
    'Documentation/filesystems/proc.rst (3.1 /proc/<pid>/oom_adj and oom_score_adj)',
    'Documentation/admin-guide/sysctl/vm.rst (panic_on_oom, oom_dump_tasks)',
  ],
});

export type HostOomFacts = Parameters<RuleOf<typeof definition>>[0];
