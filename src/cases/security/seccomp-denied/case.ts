import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'security/seccomp-denied',
  title: { en: 'A seccomp filter refuses a system call', 'zh-CN': 'seccomp 过滤器拒绝了系统调用' },
  symptoms: ['permission-denied', 'killed', 'exited'],
  questions: ['healthy'],
  namespaces: [],
  controllers: [],
  instruments: ['seccomp', 'capabilities'],
  needs: [],
  mayUse: ['init', 'processes', 'traced', 'seccompLog'],
  references: [
    'Documentation/userspace-api/seccomp_filter.rst',
    'kernel/seccomp.c: __seccomp_filter, seccomp_run_filters',
    'kernel/entry/common.c: syscall_trace_enter (the filter comes before the tracepoint sys_enter)',
    'kernel/auditsc.c: audit_seccomp (type 1326)',
  ],
});
