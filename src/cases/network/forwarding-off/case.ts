import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'network/forwarding-off',
  title: {
    en: 'A host on the way does not forward',
    'zh-CN': '途经的主机没有开启转发',
  },
  symptoms: ['unreachable', 'hangs'],
  questions: ['healthy'],
  namespaces: ['net'],
  controllers: [],
  needs: ['networkCounters'],
  mayUse: ['reach'],
  references: [
    'Documentation/networking/ip-sysctl.rst (ip_forward, conf/*/forwarding)',
    'net/ipv4/route.c: ip_route_input_slow, ip_error (InAddrErrors)',
  ],
});
