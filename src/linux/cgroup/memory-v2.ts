import { absent, flatMapReading, mapReading, parsed, present, type Reading } from '../reading.ts';
import { type Bytes, bytes, type Limit, noLimit } from '../units.ts';
import { type CgroupDirectory, notSummed, sinceKernel } from './directory.ts';
import { keyedCounts, parseSingleCount } from './flat-keyed.ts';
import { parseByteLimit } from './memory-limit.ts';
import { parseMemoryStatV2 } from './memory-stat.ts';
import type { MemorySample, SwapSample } from './model.ts';

/** cgroup-v2.rst, Memory. All amounts in bytes. */
export function readMemoryV2(cgroup: CgroupDirectory): Reading<MemorySample> {
  const current = cgroup.read('memory.current');
  if (!current.present && cgroup.isRoot) return readRoot(cgroup);
  return flatMapReading(current, currentText =>
    flatMapReading(limitIn(cgroup, 'memory.max'), limit =>
      mapReading(parsed('memory.current', parseSingleCount(currentText)), usage => ({
        usage: bytes(usage),
        limit,
        high: limitIn(cgroup, 'memory.high'),
        peak: sinceKernel(amountIn(cgroup, 'memory.peak'), 'Linux 5.19'),
        ...readEvents(cgroup),
        oomKillDisabled: false,
        underOom: false,
        oomGroup: isOomGroup(cgroup),
        swap: readSwap(cgroup),
        breakdown: flatMapReading(cgroup.read('memory.stat'), text =>
          parsed('memory.stat', parseMemoryStatV2(text)),
        ),
      })),
    ),
  );
}

/** The file is there since 4.19; before, no cgroup was killed as a whole. */
function isOomGroup(cgroup: CgroupDirectory): boolean {
  const text = cgroup.read('memory.oom.group');
  return text.present && parseSingleCount(text.value) === 1;
}

const limitIn = (cgroup: CgroupDirectory, name: string): Reading<Limit<Bytes>> =>
  flatMapReading(cgroup.read(name), text => parsed(name, parseByteLimit(text)));

const amountIn = (cgroup: CgroupDirectory, name: string): Reading<Bytes> =>
  flatMapReading(cgroup.read(name), text => mapReading(parsed(name, parseSingleCount(text)), bytes));

/**
 * The root has memory.stat alone. Its usage is counted the way v1 counts its own root: file pages and
 * anonymous ones.
 */
function readRoot(cgroup: CgroupDirectory): Reading<MemorySample> {
  const notAtRoot = (name: string) => absent(`${cgroup.directory}/${name}`, 'disabled', 'the root has none');
  return flatMapReading(cgroup.read('memory.stat'), text =>
    mapReading(parsed('memory.stat', parseMemoryStatV2(text)), breakdown => ({
      usage: bytes(breakdown.anonymous + breakdown.file + breakdown.shared),
      limit: noLimit,
      high: present(noLimit),
      peak: notAtRoot('memory.peak'),
      limitHits: notAtRoot('memory.events'),
      oomKills: notAtRoot('memory.events.local'),
      subtreeOomKills: notAtRoot('memory.events'),
      oomKillDisabled: false,
      underOom: false,
      oomGroup: false,
      swap: notAtRoot('memory.swap.current'),
      breakdown: present(breakdown),
    })),
  );
}

/** memory.events and memory.events.local: `low 0`, `high 3`, `max 12`, `oom 1`, `oom_kill 1`, `oom_group_kill 0`. */
export const parseMemoryEvents = keyedCounts('high', 'max', 'oom_kill');

/** memory.events counts the whole subtree since 5.2; memory.events.local (5.3) is the cgroup alone. */
function readEvents(
  cgroup: CgroupDirectory,
): Pick<MemorySample, 'limitHits' | 'highHits' | 'oomKills' | 'subtreeOomKills'> {
  const local = cgroup.read('memory.events.local');
  const events = cgroup.read('memory.events');
  const own = local.present ? local : events;
  return {
    limitHits: flatMapReading(own, text => parsed('memory.events max', parseMemoryEvents(text).max)),
    ...highHitsOf(own),
    oomKills: oomKillOf(own),
    subtreeOomKills: local.present ? oomKillOf(events) : notSummed(cgroup.directory),
  };
}

function highHitsOf(events: Reading<string>): Pick<MemorySample, 'highHits'> {
  const { high } = events.present ? parseMemoryEvents(events.value) : {};
  return high === undefined ? {} : { highHits: high };
}

const oomKillOf = (events: Reading<string>): Reading<number> =>
  flatMapReading(events, text => {
    const { oom_kill: kills } = parseMemoryEvents(text);
    return kills === undefined
      ? absent('memory.events oom_kill', 'kernel-too-old', 'needs Linux 4.13')
      : present(kills);
  });

/** memory.swap.current and memory.swap.max; missing when the kernel does not account swap. */
function readSwap(cgroup: CgroupDirectory): Reading<SwapSample> {
  const usage = amountIn(cgroup, 'memory.swap.current');
  if (!usage.present && usage.because === 'vanished')
    return absent(usage.what, 'disabled', 'needs CONFIG_SWAP, and before Linux 6.1 swapaccount=1');
  return flatMapReading(usage, current =>
    mapReading(limitIn(cgroup, 'memory.swap.max'), limit => ({ usage: current, limitMeans: 'swap', limit })),
  );
}
