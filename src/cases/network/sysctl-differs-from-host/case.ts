import { defineCase, type RuleOf } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'network/sysctl-differs-from-host',
  title: {
    en: "The host's network tuning does not reach the container",
    'zh-CN': '宿主机的网络调优没有传到容器里',
  },
  symptoms: ['net-slow', 'unreachable', 'wrong-metrics'],
  questions: ['healthy'],
  namespaces: ['net'],
  controllers: [],
  needs: ['containerSysctls', 'hostSysctls'],
  mayUse: ['defaultSysctls'],
  references: [
    'Documentation/networking/ip-sysctl.rst',
    'Documentation/admin-guide/sysctl/net.rst',
    'net/sysctl_net.c: net_ctl_permissions, register_net_sysctl_sz',
    'net/ipv4/tcp_ipv4.c: tcp_sk_init (built-in start values, and the few copied from init_net)',
  ],
});

export type SysctlFacts = Parameters<RuleOf<typeof definition>>[0];
