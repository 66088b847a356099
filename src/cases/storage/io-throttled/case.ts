import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'storage/io-throttled',
  title: { en: 'Its I/O is held back by a limit', 'zh-CN': 'I/O 被限速' },
  symptoms: ['io-slow', 'slow', 'hangs'],
  questions: ['healthy'],
  namespaces: [],
  controllers: ['io'],
  needs: ['io'],
  mayUse: ['pressure', 'processes'],
  references: [
    'Documentation/admin-guide/cgroup-v1/blkio-controller.rst, throttling policy files',
    'Documentation/admin-guide/cgroup-v2.rst, io.max',
    'block/blk-throttle.c: tg_dispatch_bps_time, throtl_pd_init',
    'Documentation/accounting/psi.rst',
  ],
});
