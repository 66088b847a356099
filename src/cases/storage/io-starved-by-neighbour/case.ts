import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'storage/io-starved-by-neighbour',
  title: { en: 'A neighbour keeps its disk busy', 'zh-CN': '磁盘被邻居占满' },
  symptoms: ['io-slow', 'slow', 'jitter'],
  questions: ['healthy'],
  namespaces: [],
  controllers: ['io'],
  needs: ['io', 'diskNeighbours'],
  mayUse: ['pressure', 'processes', 'fileSystems', 'traced'],
  instruments: ['block-io'],
  references: [
    'Documentation/admin-guide/iostats.rst',
    'Documentation/accounting/psi.rst',
    'Documentation/admin-guide/cgroup-v2.rst, IO interface files',
    'fs/jbd2/commit.c: jbd2_journal_commit_transaction',
  ],
});
