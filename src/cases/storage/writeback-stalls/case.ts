import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'storage/writeback-stalls',
  title: { en: 'Writers wait for write-back', 'zh-CN': '写入者在等待脏页写回' },
  symptoms: ['io-slow', 'slow', 'jitter', 'hangs'],
  questions: ['healthy'],
  namespaces: [],
  controllers: ['io', 'memory'],
  needs: ['processes'],
  mayUse: ['pressure', 'fileSystems', 'memory'],
  references: [
    'mm/page-writeback.c: balance_dirty_pages',
    'Documentation/admin-guide/sysctl/vm.rst, dirty_bytes, dirty_background_bytes',
    'Documentation/ABI/testing/sysfs-class-bdi',
    'Documentation/admin-guide/cgroup-v2.rst, Writeback',
  ],
});
