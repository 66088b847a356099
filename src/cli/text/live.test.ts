import { expect, test } from 'vitest';
import { notThere } from '../../../test/support/facts.ts';
import type { Live } from '../../diagnose/live.ts';
import { present } from '../../linux/reading.ts';
import { bytes, limitOf, microseconds, noLimit } from '../../linux/units.ts';
import type { Page } from './finding.ts';
import { width } from './layout.ts';
import { formatLive } from './live.ts';

const page: Page = { width: 80, paint: (_, text) => text };
const MiB = 2 ** 20;
const row = (name: string, change: Partial<Live> = {}): Live => ({
  id: name,
  name,
  engine: 'docker',
  pid: 4711,
  usage: {
    cpus: present(0.3491),
    cpuLimit: present(limitOf(0.5)),
    throttled: present({ periods: 10, throttledPeriods: 4, throttledTime: microseconds(318_000) }),
    waiting: present(1.26),
    memory: present(bytes(212 * MiB)),
    memoryLimit: present(limitOf(bytes(512 * MiB))),
    cacheShare: present(0.61),
  },
  tasks: present({ current: 12, limit: limitOf(128) }),
  stalled: { cpu: present(0.2), memory: present(0.778), io: present(0.001) },
  ...change,
});
const unknown: Live = {
  ...row('bare'),
  usage: {
    cpus: notThere,
    cpuLimit: present(noLimit),
    throttled: notThere,
    waiting: notThere,
    memory: notThere,
    memoryLimit: present(noLimit),
    cacheShare: notThere,
  },
  tasks: notThere,
  stalled: { cpu: notThere, memory: notThere, io: notThere },
};

test('figures of the cgroup in a line, and what is not known as ?', () => {
  const [, first, second] = formatLive([row('web-1'), unknown], page).split('\n');
  expect(first?.split(/ +/)).toEqual([
    'web-1',
    '0.35/0.5',
    '40%',
    '1.3',
    '212M/512M',
    '61%',
    '78%',
    '–',
    '12/128',
  ]);
  expect(second?.split(/ +/)).toEqual(['bare', '?/–', '–', '?', '?/–', '?', '?', '?', '?']);
});

test('80 columns hold the widest figures and a hostile name', () => {
  const wide = row(`\u001b[2J${'n'.repeat(80)}`, {
    usage: {
      ...row('x').usage,
      cpus: present(127.55),
      cpuLimit: present(limitOf(127.5)),
      throttled: present({ periods: 10, throttledPeriods: 10, throttledTime: microseconds(1) }),
      waiting: present(1240.4),
      memory: present(bytes(1023 * MiB)),
      memoryLimit: present(limitOf(bytes(1023 * MiB))),
      cacheShare: present(1),
    },
    tasks: present({ current: 4_194_304, limit: limitOf(4_194_304) }),
    stalled: { cpu: present(1), memory: present(1), io: present(1) },
  });
  const text = formatLive([wide], page);
  for (const line of text.split('\n')) expect(width(line), line).toBeLessThanOrEqual(80);
  expect(text).not.toContain('\u001b');
});

test('a screen that is too low shows the busiest', () => {
  const lines = formatLive(
    Array.from({ length: 100 }, (_, index) => row(`c${index}`)),
    page,
    24,
  ).split('\n');
  expect(lines.length).toBeLessThanOrEqual(23);
  expect(lines.join('\n')).toContain('and 81 more');
});

test('nothing runs', () => {
  expect(formatLive([], page)).toContain('No container runs here');
});
