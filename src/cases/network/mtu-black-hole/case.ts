import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'network/mtu-black-hole',
  title: {
    en: 'Large packets vanish on the way, small ones pass',
    'zh-CN': '大包在途中消失，小包可以通过',
  },
  symptoms: ['unreachable', 'hangs', 'net-slow'],
  questions: ['healthy'],
  namespaces: ['net'],
  controllers: [],
  needs: ['networkCounters'],
  mayUse: ['reach'],
  references: [
    'net/ipv4/ip_forward.c: ip_forward, ip_exceeds_mtu (FragFails)',
    'net/ipv4/route.c: ip_rt_update_pmtu',
    'Documentation/networking/ip-sysctl.rst (ip_no_pmtu_disc, tcp_mtu_probing)',
    'RFC 2923: TCP Problems with Path MTU Discovery',
  ],
});
