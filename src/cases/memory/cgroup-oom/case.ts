import { defineCase, type RuleOf } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'memory/cgroup-oom',
  title: { en: 'Killed at the memory limit of a cgroup', 'zh-CN': '触及 cgroup 内存上限而被内核杀死' },
  symptoms: ['killed', 'exited', 'hangs'],
  questions: ['healthy', 'limited'],
  namespaces: [],
  controllers: ['memory'],
  needs: [],
  mayUse: ['memory', 'oomReports', 'init', 'processes', 'pids', 'traced'],
  instruments: ['oom'],
  references: [
    'Documentation/admin-guide/cgroup-v2.rst (memory.events, memory.oom.group)',
    'Documentation/admin-guide/cgroup-v1/memory.rst (10. OOM Control)',
    'mm/memcontrol.c: try_charge_memcg, mem_cgroup_out_of_memory',
    'mm/oom_kill.c: oom_badness, oom_kill_process',
  ],
});

export type CgroupOomFacts = Parameters<RuleOf<typeof definition>>[0];
