import { defineCase, type RuleOf } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'memory/ipc-not-shared',
  title: {
    en: 'Two segments with one key, each in its own container',
    'zh-CN': '同一个键的共享内存段各在各的容器里',
  },
  symptoms: ['hangs', 'exited'],
  questions: [],
  namespaces: ['ipc'],
  controllers: [],
  needs: ['ipcTwins'],
  mayUse: ['traced'],
  instruments: ['syscalls'],
  references: [
    'man 7 ipc_namespaces, man 7 sysvipc, man 3 ftok',
    'ipc/util.c: ipcget_public, ipc_findkey',
    'ipc/namespace.c: create_ipc_ns',
  ],
});

export type IpcNotSharedFacts = Parameters<RuleOf<typeof definition>>[0];
