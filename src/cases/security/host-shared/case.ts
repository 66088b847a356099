import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'security/host-shared',
  title: { en: "Shares what is the host's own", 'zh-CN': '与宿主机共用命名空间、套接字或根目录' },
  symptoms: [],
  questions: ['isolated'],
  namespaces: ['pid', 'net', 'ipc', 'mnt'],
  controllers: [],
  needs: ['init', 'isolation'],
  instruments: ['signals'],
  mayUse: ['processes', 'outsideUse', 'traced'],
  references: [
    'Documentation/admin-guide/namespaces/compatibility-list.rst',
    'include/linux/proc_ns.h: PROC_PID_INIT_INO, PROC_IPC_INIT_INO',
    'fs/nsfs.c: ns_get_name, the inode number that identifies a namespace',
  ],
});
