import { defineCase, type RuleOf } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'network/conntrack-table-full',
  title: {
    en: 'The table of tracked connections is full',
    'zh-CN': '连接跟踪表已满，新连接被丢弃',
  },
  symptoms: ['unreachable', 'net-slow'],
  questions: ['healthy'],
  namespaces: ['net'],
  controllers: [],
  needs: ['containerSysctls'],
  mayUse: ['conntrack', 'hostSysctls', 'networkCounters'],
  references: [
    'Documentation/networking/nf_conntrack-sysctl.rst (nf_conntrack_max, nf_conntrack_count)',
    'net/netfilter/nf_conntrack_core.c: __nf_conntrack_alloc, early_drop, nf_conntrack_in',
    'net/netfilter/nf_conntrack_standalone.c: ct_cpu_seq_show',
  ],
});

export type ConntrackFacts = Parameters<RuleOf<typeof definition>>[0];
