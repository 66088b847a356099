import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'security/capability-missing',
  title: { en: 'A call fails for want of a capability', 'zh-CN': '缺少某项 capability，系统调用失败' },
  symptoms: ['permission-denied', 'exited'],
  questions: ['healthy'],
  namespaces: ['user'],
  controllers: [],
  instruments: ['capabilities', 'seccomp'],
  needs: ['init', 'isolation'],
  mayUse: ['processes', 'traced'],
  references: [
    'security/commoncap.c: cap_capable, and its tracepoint since Linux 6.14',
    'kernel/capability.c: ns_capable',
    'fs/namei.c: generic_permission (what CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH override)',
    'include/uapi/linux/capability.h',
  ],
});
