import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'process/init-ignores-signal',
  title: { en: 'PID 1 ignores the stop signal', 'zh-CN': '1 号进程不理会停止信号' },
  symptoms: ['will-not-stop', 'hangs'],
  questions: ['healthy'],
  namespaces: ['pid'],
  controllers: [],
  needs: ['init'],
  mayUse: ['initSignals', 'processes', 'freezer', 'traced'],
  instruments: ['signals'],
  references: [
    'kernel/signal.c: sig_task_ignored, get_signal',
    'kernel/fork.c: copy_process (SIGNAL_UNKILLABLE)',
    'pid_namespaces(7), "The namespace init process"',
  ],
});
