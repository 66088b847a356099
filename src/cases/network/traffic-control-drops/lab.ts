import { routedLab, serverPort, waitingFigure } from '../../../lab/network/broken-path.ts';
import type { LabHost } from '../../../lab/network/network.ts';

const device = 'up0';

/**
 * Classic BPF, as `tc` takes it: IPv4, TCP, this destination port → TC_ACT_SHOT (2), else TC_ACT_OK (0). Kernels have
 * cls_bpf where they lack the action modules that `action drop` needs.
 */
const dropPort = (port: number): string =>
  [
    '9',
    '40 0 0 12,21 0 6 2048',
    '48 0 0 23,21 0 4 6',
    `177 0 0 14,72 0 0 16,21 0 1 ${port}`,
    '6 0 0 2,6 0 0 0',
  ].join(',');

const setFilter = (router: LabHost, change: 'add' | 'replace', port: number): Promise<string> =>
  router.run([
    ...['tc', 'filter', change, 'dev', device, 'egress', 'protocol', 'ip', 'prio', '1', 'handle', '1'],
    ...['bpf', 'da', 'bytecode', dropPort(port)],
  ]);

export const lab = routedLab({
  problem: 'a filter of traffic control drops port 8080',
  fix: 'the filter drops another port again',
  needs: [
    { kind: 'program', name: 'tc', package: 'iproute2' },
    { kind: 'program', name: 'nft', package: 'nftables' },
  ],
  prepare: async ({ router }) => {
    await router.run(['tc', 'qdisc', 'add', 'dev', device, 'clsact']);
    await setFilter(router, 'add', 9);
  },
  break: async ({ router }) => void (await setFilter(router, 'replace', serverPort)),
  mend: async ({ router }) => void (await setFilter(router, 'replace', 9)),
  figures: [
    waitingFigure,
    {
      name: 'packets that traffic control dropped',
      unit: 'count',
      read: async ({ router }) => {
        const shown = await router.run(['tc', '-s', 'qdisc', 'show', 'dev', device, 'clsact']);
        return Number(/dropped (\d+)/.exec(shown)?.[1] ?? Number.NaN);
      },
    },
  ],
});
