import { defineCase, type RuleOf } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'network/reordering',
  title: {
    en: 'Packets arrive out of order and are sent twice',
    'zh-CN': '报文乱序到达，被误认为丢失而重传',
  },
  symptoms: ['net-slow', 'jitter'],
  questions: ['healthy'],
  namespaces: ['net'],
  controllers: [],
  needs: ['networkCounters'],
  mayUse: ['networks'],
  references: [
    'Documentation/networking/snmp_counter.rst (TCPSACKReorder, TCPTSReorder, TCPDSACKRecv, TCPDSACKUndo)',
    'RFC 2883 (D-SACK), RFC 8985 (RACK)',
    'net/ipv4/tcp_input.c: tcp_check_sack_reordering, tcp_check_dsack',
    'Documentation/networking/scaling.rst (RPS, RFS, XPS and out-of-order packets)',
  ],
});

export type ReorderingFacts = Parameters<RuleOf<typeof definition>>[0];
