import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'network/traffic-control-drops',
  title: {
    en: "Traffic control drops the container's packets",
    'zh-CN': '流量控制（tc）丢弃了容器的数据包',
  },
  symptoms: ['unreachable', 'hangs', 'net-slow'],
  questions: ['healthy'],
  namespaces: ['net'],
  controllers: [],
  needs: ['networkCounters'],
  mayUse: ['reach'],
  references: [
    'net/core/dev.c: sch_handle_egress, sch_handle_ingress, __dev_xmit_skb',
    'net/sched/act_gact.c, act_police.c, cls_bpf.c (direct-action)',
    'net/sched/sch_tbf.c: tbf_enqueue (what is larger than the bucket is dropped); sch_netem.c: loss_event',
    'include/net/dropreason-core.h: TC_INGRESS, TC_EGRESS, QDISC_DROP, XDP',
  ],
});
