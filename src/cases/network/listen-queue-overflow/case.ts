import { defineCase, type RuleOf } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'network/listen-queue-overflow',
  title: {
    en: 'Connections dropped at a full listen queue',
    'zh-CN': '监听队列已满，新连接被丢弃',
  },
  symptoms: ['unreachable', 'net-slow', 'hangs'],
  questions: ['healthy'],
  namespaces: ['net'],
  controllers: [],
  needs: ['networkCounters', 'listeners'],
  mayUse: ['containerSysctls', 'processes'],
  references: [
    'Documentation/networking/snmp_counter.rst (TcpExtListenOverflows, TcpExtListenDrops)',
    'Documentation/networking/ip-sysctl.rst (somaxconn, tcp_max_syn_backlog, tcp_abort_on_overflow)',
    'net/ipv4/tcp_input.c: tcp_conn_request; net/ipv4/tcp_ipv4.c: tcp_v4_syn_recv_sock',
    'include/net/sock.h: sk_acceptq_is_full; net/socket.c: __sys_listen',
  ],
});

export type ListenQueueFacts = Parameters<RuleOf<typeof definition>>[0];
