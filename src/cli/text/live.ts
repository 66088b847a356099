import type { Live } from '../../diagnose/live.ts';
import type { Reading } from '../../linux/reading.ts';
import type { Page } from './finding.ts';
import { type Column, table } from './layout.ts';
import { printable } from './printable.ts';
import { formatBytes, formatLimit } from './quantity.ts';

const columns: readonly Column[] = [
  { title: 'NAME', atMost: 24, atLeast: 8 },
  { title: 'CPU', align: 'right' },
  { title: 'CUT', align: 'right' },
  { title: 'WAIT', align: 'right' },
  { title: 'MEMORY', align: 'right' },
  { title: 'CACHE', align: 'right' },
  { title: 'MEM', align: 'right' },
  { title: 'IO', align: 'right' },
  { title: 'TASKS', align: 'right' },
];

const legend =
  'CPU, MEMORY used/limit · CUT periods cut short · WAIT threads that wait for CPU\nCACHE of the memory · MEM, IO: some task stood still for it · q ends';

/** One line a container, the busiest first, in at most so many lines. */
export function formatLive(rows: readonly Live[], page: Page, lines = Number.POSITIVE_INFINITY): string {
  if (rows.length === 0) return `No container runs here.\n${page.paint('dim', 'q ends')}`;
  const room = Math.max(1, lines - 4);
  const shown = rows.length <= room ? rows : rows.slice(0, Math.max(1, room - 1));
  const more = rows.length - shown.length;
  return [
    table(columns, shown.map(cells), page.width),
    ...(more === 0 ? [] : [`… and ${more} more that use less CPU`]),
    page.paint('dim', legend),
  ].join('\n');
}

const known = <T>(reading: Reading<T>, format: (value: T) => string): string =>
  reading.present ? format(reading.value) : '?';

const share = (value: number): string => (value < 0.005 ? '–' : `${Math.round(value * 100)}%`);

function cells({ name, usage, tasks, stalled }: Live): readonly string[] {
  const { cpus, cpuLimit, throttled, waiting, memory, memoryLimit, cacheShare } = usage;
  return [
    printable(name),
    `${known(cpus, value => value.toFixed(2))}/${known(cpuLimit, limit => formatLimit(limit, value => String(Number(value.toFixed(2)))))}`,
    throttled.present ? share(throttled.value.throttledPeriods / Math.max(1, throttled.value.periods)) : '–',
    known(waiting, value => (value < 0.05 ? '–' : value.toFixed(1))),
    `${known(memory, formatBytes)}/${known(memoryLimit, limit => formatLimit(limit, formatBytes))}`,
    known(cacheShare, share),
    known(stalled.memory, share),
    known(stalled.io, share),
    known(tasks, ({ current, limit }) => `${current}/${formatLimit(limit, String)}`),
  ];
}
