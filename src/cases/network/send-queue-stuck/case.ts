import { defineCase, type RuleOf } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'network/send-queue-stuck',
  title: {
    en: 'A connection on which nothing moves',
    'zh-CN': '连接卡住，数据发不出去',
  },
  symptoms: ['hangs', 'net-slow'],
  questions: ['healthy'],
  namespaces: ['net'],
  controllers: [],
  needs: ['tcp'],
  mayUse: ['networkCounters', 'processes'],
  references: [
    'Documentation/networking/snmp_counter.rst (TCPWinProbe, TCPToZeroWindowAdv, TCPTimeouts)',
    'include/uapi/linux/tcp.h: struct tcp_info (tcpi_rwnd_limited, tcpi_snd_wnd, tcpi_backoff)',
    'net/ipv4/tcp_timer.c: tcp_probe_timer, tcp_retransmit_timer',
    'RFC 9293, 3.8.6.1: zero-window probing',
  ],
});

export type StuckFacts = Parameters<RuleOf<typeof definition>>[0];
