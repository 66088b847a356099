import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'network/address-conflict',
  title: {
    en: 'Two on one link have the same address',
    'zh-CN': '同一链路上有两个相同的地址',
  },
  symptoms: ['unreachable', 'net-slow', 'hangs'],
  questions: ['healthy'],
  namespaces: ['net'],
  controllers: [],
  needs: ['networkCounters'],
  mayUse: ['reach'],
  references: [
    'net/ipv4/arp.c: arp_process',
    'net/core/neighbour.c: neigh_event_ns',
    'RFC 5227: IPv4 Address Conflict Detection',
  ],
});
