import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'security/root-is-host-root',
  title: { en: 'Root inside is root of the host', 'zh-CN': '容器内的 root 就是宿主机的 root' },
  symptoms: [],
  questions: ['isolated'],
  namespaces: ['user', 'mnt'],
  controllers: [],
  needs: ['init', 'isolation'],
  mayUse: ['processes', 'openDevices', 'outsideUse', 'traced'],
  coveredBy: ['security/privileged', 'security/host-shared'],
  references: [
    'Documentation/admin-guide/namespaces/resource-control.rst',
    'kernel/user_namespace.c: from_kuid, map_write',
    'fs/proc/proc_sysctl.c: test_perm (uid 0 of the initial user namespace may write, without any capability)',
    'Documentation/admin-guide/cgroup-v1/devices.rst',
  ],
});
