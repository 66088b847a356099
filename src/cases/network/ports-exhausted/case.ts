import { defineCase, type RuleOf } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'network/ports-exhausted',
  title: {
    en: 'No local port left for a destination',
    'zh-CN': '连往同一目标的本地端口已用完',
  },
  symptoms: ['unreachable', 'net-slow'],
  questions: ['healthy'],
  namespaces: ['net'],
  controllers: [],
  needs: ['tcp'],
  mayUse: ['containerSysctls', 'listeners', 'networkCounters', 'processes', 'traced'],
  instruments: ['tcp'],
  references: [
    'Documentation/networking/ip-sysctl.rst (ip_local_port_range, ip_local_reserved_ports, tcp_tw_reuse)',
    'net/ipv4/inet_hashtables.c: __inet_hash_connect, __inet_check_established',
    'net/ipv4/tcp_ipv4.c: tcp_v4_connect, tcp_twsk_unique',
  ],
});

export type PortsFacts = Parameters<RuleOf<typeof definition>>[0];
