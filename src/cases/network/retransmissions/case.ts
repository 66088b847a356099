import { defineCase, type RuleOf } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'network/retransmissions',
  title: {
    en: 'Packets are lost and sent again',
    'zh-CN': '报文丢失，不断重传',
  },
  symptoms: ['net-slow', 'jitter'],
  questions: ['healthy'],
  namespaces: ['net'],
  controllers: [],
  needs: ['networkCounters'],
  mayUse: ['networks', 'tcp', 'traced'],
  instruments: ['drops', 'tcp'],
  references: [
    'Documentation/networking/snmp_counter.rst (TcpRetransSegs, TCPTimeouts, TCPDSACKRecv, TCPSynRetrans)',
    'net/ipv4/tcp_output.c: __tcp_retransmit_skb; net/ipv4/tcp_input.c: tcp_fastretrans_alert',
    'net/sched/sch_tbf.c, net/core/gen_stats.c (drops of a queue)',
    'net/ipv4/ip_input.c: ip_local_deliver (InReceives, InDelivers)',
  ],
});

export type RetransmissionFacts = Parameters<RuleOf<typeof definition>>[0];
