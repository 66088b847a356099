import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'network/return-route-missing',
  title: {
    en: 'Packets arrive, answers find no way back',
    'zh-CN': '请求能到达，应答没有返回的路由',
  },
  symptoms: ['unreachable', 'hangs'],
  questions: ['healthy'],
  namespaces: ['net'],
  controllers: [],
  needs: ['networkCounters'],
  mayUse: ['reach'],
  references: [
    'net/ipv4/inet_connection_sock.c: inet_csk_route_req (OutNoRoutes)',
    'net/ipv4/fib_frontend.c: fib_validate_source (rp_filter)',
    'Documentation/networking/ip-sysctl.rst (rp_filter)',
  ],
});
