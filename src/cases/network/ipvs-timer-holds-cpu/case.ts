import { defineCase, type RuleOf } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'network/ipvs-timer-holds-cpu',
  title: {
    en: "IPVS's timer walks all services and holds the CPU",
    'zh-CN': 'IPVS 统计定时器遍历全部服务，长时间占住 CPU',
  },
  symptoms: ['jitter', 'slow', 'net-slow'],
  questions: ['healthy'],
  namespaces: ['net'],
  controllers: [],
  needs: [],
  mayUse: ['traced', 'virtualServices', 'hostSysctls'],
  instruments: ['softirq'],
  // The timer fires every 2 s.
  leastWindowMs: 2500,
  references: [
    'net/netfilter/ipvs/ip_vs_est.c: estimation_timer, ip_vs_read_cpu_stats',
    'Documentation/networking/ipvs-sysctl.rst (run_estimation, est_cpulist)',
    'commit 705dd3444081 ("ipvs: use kthreads for stats estimation"), Linux 6.2',
  ],
});

export type IpvsTimerFacts = Parameters<RuleOf<typeof definition>>[0];
