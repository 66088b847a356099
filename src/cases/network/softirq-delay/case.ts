import { defineCase, type RuleOf } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'network/softirq-delay',
  title: {
    en: "Other people's packets eat this container's CPU time",
    'zh-CN': '别人的软中断吃掉了容器的 CPU 时间',
  },
  symptoms: ['slow', 'jitter', 'net-slow', 'wrong-metrics'],
  questions: ['healthy'],
  namespaces: ['net'],
  controllers: ['cpu', 'cpuset'],
  needs: ['softirqs', 'cpu'],
  mayUse: ['cpuByCpu', 'cpuset', 'networkCounters', 'receivers', 'traced'],
  instruments: ['softirq'],
  references: [
    'kernel/softirq.c: __do_softirq; kernel/sched/cputime.c: irqtime_account_irq, account_system_time',
    'Documentation/networking/scaling.rst (RPS)',
    'Documentation/filesystems/proc.rst (/proc/stat softirq, /proc/softirqs)',
    'net/core/net-procfs.c: softnet_seq_show; net/core/dev.c: net_rx_action, process_backlog',
  ],
});

export type SoftirqFacts = Parameters<RuleOf<typeof definition>>[0];
