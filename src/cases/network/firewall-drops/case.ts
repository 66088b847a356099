import { defineCase, type RuleOf } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'network/firewall-drops',
  title: {
    en: "A firewall rule drops the container's packets",
    'zh-CN': '防火墙规则丢弃了容器的数据包',
  },
  symptoms: ['unreachable', 'hangs'],
  questions: ['healthy'],
  namespaces: ['net'],
  controllers: [],
  needs: ['networkCounters'],
  mayUse: ['reach', 'traced'],
  instruments: ['drops', 'tcp'],
  references: [
    'net/netfilter/nf_tables_core.c: nft_do_chain',
    'net/ipv4/netfilter/ip_tables.c: ipt_do_table',
    'include/net/dropreason-core.h: NETFILTER_DROP',
    'Documentation/networking/ip-sysctl.rst (bridge-nf-call-iptables)',
  ],
});

export type FirewallFacts = Parameters<RuleOf<typeof definition>>[0];
