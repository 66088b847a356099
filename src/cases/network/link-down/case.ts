import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'network/link-down',
  title: {
    en: "A link on the packet's way is down",
    'zh-CN': '数据包途经的链路未启用',
  },
  symptoms: ['unreachable', 'hangs'],
  questions: ['healthy'],
  namespaces: ['net'],
  controllers: [],
  needs: ['networkCounters'],
  mayUse: ['reach'],
  references: [
    'net/core/dev.c: dev_close; net/core/link_watch.c',
    'drivers/net/veth.c: veth_open, veth_close (a peer that is down takes the carrier away)',
    'net/ipv4/fib_semantics.c: fib_sync_down_dev (routes go with their device)',
    'net/bridge/br_forward.c: should_deliver',
  ],
});
