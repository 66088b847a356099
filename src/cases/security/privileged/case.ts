import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'security/privileged',
  title: {
    en: 'Privileged: it may do what root of the host may',
    'zh-CN': '特权容器：能做宿主机 root 能做的一切',
  },
  symptoms: [],
  questions: ['isolated', 'hostSafe'],
  namespaces: ['user', 'mnt'],
  controllers: [],
  instruments: ['capabilities'],
  needs: ['init', 'isolation'],
  mayUse: ['processes', 'openDevices', 'traced'],
  references: [
    'security/commoncap.c: cap_capable, cap_bprm_creds_from_file',
    'Documentation/userspace-api/seccomp_filter.rst',
    'Documentation/admin-guide/cgroup-v1/devices.rst',
    'Documentation/userspace-api/no_new_privs.rst',
  ],
});
