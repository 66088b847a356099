import { defineCase, type RuleOf } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'network/veth-cost',
  title: {
    en: 'Each packet pays for the hops of its attachment',
    'zh-CN': '每个报文都要为容器的接入方式多走几跳',
  },
  symptoms: ['net-slow'],
  questions: ['healthy'],
  namespaces: ['net'],
  controllers: [],
  needs: ['networks'],
  mayUse: ['hostSysctls'],
  references: [
    'drivers/net/veth.c: veth_xmit; net/core/dev.c: enqueue_to_backlog, process_backlog',
    'net/bridge/br_input.c, br_forward.c; net/bridge/br_netfilter_hooks.c',
    'drivers/net/macvlan.c; Documentation/networking/ipvlan.rst',
  ],
});

export type VethFacts = Parameters<RuleOf<typeof definition>>[0];
