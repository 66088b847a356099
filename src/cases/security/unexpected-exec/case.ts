import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'security/unexpected-exec',
  title: { en: 'A program ran that did not come with it', 'zh-CN': '运行了并非容器自带的程序' },
  symptoms: [],
  questions: ['isolated'],
  namespaces: ['pid', 'mnt'],
  controllers: [],
  instruments: ['exec'],
  needs: ['init'],
  mayUse: ['traced'],
  references: [
    'fs/exec.c: exec_binprm, and the tracepoint sched_process_exec',
    'mm/memfd.c: memfd_create; Documentation/userspace-api/mfd_noexec.rst',
    'Documentation/filesystems/overlayfs.rst',
  ],
});
