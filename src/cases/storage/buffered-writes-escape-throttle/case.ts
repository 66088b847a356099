import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'storage/buffered-writes-escape-throttle',
  title: { en: 'Its write limit does not hold for buffered writes', 'zh-CN': '写限速对缓冲写无效' },
  symptoms: ['io-slow', 'slow'],
  questions: ['goodNeighbour', 'limited'],
  namespaces: [],
  controllers: ['io'],
  needs: ['io', 'processes'],
  mayUse: ['memory', 'fileSystems', 'traced'],
  instruments: ['block-io'],
  references: [
    'Documentation/admin-guide/cgroup-v1/blkio-controller.rst, "What works"',
    'Documentation/admin-guide/cgroup-v2.rst, Writeback',
    'fs/fs-writeback.c: inode_attach_wb; include/linux/backing-dev.h: inode_cgwb_enabled',
    'proc(5), /proc/<pid>/io write_bytes',
  ],
});
