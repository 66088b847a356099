import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'network/route-missing',
  title: {
    en: 'No route to the destination',
    'zh-CN': '没有到目标的路由',
  },
  symptoms: ['unreachable'],
  questions: ['healthy'],
  namespaces: ['net'],
  controllers: [],
  needs: ['networkCounters'],
  mayUse: ['reach'],
  references: [
    'net/ipv4/tcp_ipv4.c: tcp_v4_connect (ENETUNREACH, OutNoRoutes)',
    'net/ipv4/route.c: ip_error (InNoRoutes)',
    'Documentation/networking/snmp_counter.rst',
  ],
});
