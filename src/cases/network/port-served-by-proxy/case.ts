import { defineCase, type RuleOf } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'network/port-served-by-proxy',
  title: {
    en: 'A published port is served by a program, not by NAT',
    'zh-CN': '发布的端口由用户态代理转发，而不是 NAT',
  },
  symptoms: ['net-slow', 'wrong-metrics'],
  questions: ['healthy'],
  namespaces: ['net'],
  controllers: [],
  needs: ['relays'],
  mayUse: ['listeners'],
  references: [
    'docs.docker.com/engine/network/packet-filtering-firewalls (userland-proxy)',
    'net/netfilter/nf_nat_core.c: nf_nat_setup_info (a connection that NAT changed has no socket here)',
    'net/ipv4/inet_diag.c (the sockets of a namespace)',
  ],
});

export type ProxyFacts = Parameters<RuleOf<typeof definition>>[0];
