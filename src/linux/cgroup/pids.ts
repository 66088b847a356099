import { absent, flatMapReading, mapReading, parsed, type Reading } from '../reading.ts';
import type { CgroupDirectory } from './directory.ts';
import { sinceKernel } from './directory.ts';
import { keyedCounts, parseLimit, parseSingleCount } from './flat-keyed.ts';
import type { PidsSample } from './model.ts';

/** Both versions have the same files (cgroup-v1/pids.rst; cgroup-v2.rst, PID). */
export function readPids(cgroup: CgroupDirectory): Reading<PidsSample> {
  const current = cgroup.read('pids.current');
  if (!current.present && cgroup.isRoot)
    return absent(
      `${cgroup.directory}/pids.current`,
      'disabled',
      'the root cgroup neither counts nor limits',
    );
  return flatMapReading(current, currentText =>
    flatMapReading(cgroup.read('pids.max'), maxText =>
      mapReading(parsed('pids.max', parsePids(currentText, maxText, readRefusals(cgroup))), sample => ({
        ...sample,
        ...readPeak(cgroup),
      })),
    ),
  );
}

/** pids.current: `2`. pids.max: `max` or `50`. */
export function parsePids(
  currentText: string,
  maxText: string,
  refusals: Reading<number>,
): PidsSample | undefined {
  const current = parseSingleCount(currentText);
  const limit = parseLimit(maxText);
  return current === undefined || limit === undefined ? undefined : { current, limit, refusals };
}

function readPeak(cgroup: CgroupDirectory): Pick<PidsSample, 'peak'> {
  const text = cgroup.read('pids.peak');
  const peak = text.present ? parseSingleCount(text.value) : undefined;
  return peak === undefined ? {} : { peak };
}

/** pids.events, pids.events.local: `max 3`. */
const parsePidsEvents = keyedCounts('max');

/**
 * Since 6.11 v2's pids.events counts also what descendants were refused and pids.events.local is this
 * cgroup's own; where .local is missing, pids.events is the local count.
 */
function readRefusals(cgroup: CgroupDirectory): Reading<number> {
  const local = cgroup.version === 'v2' ? cgroup.read('pids.events.local') : undefined;
  const events = local?.present ? local : sinceKernel(cgroup.read('pids.events'), 'Linux 4.8');
  return flatMapReading(events, text => parsed('pids.events max', parsePidsEvents(text).max));
}
