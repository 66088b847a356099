import { absent, flatMapReading, mapReading, parsed, present, type Reading } from '../reading.ts';
import { type Bytes, bytes, type Limit } from '../units.ts';
import type { CgroupDirectory } from './directory.ts';
import { keyedCounts, parseSingleCount } from './flat-keyed.ts';
import { parseByteLimit } from './memory-limit.ts';
import type { HugetlbSample } from './model.ts';

type HugetlbSize = HugetlbSample['sizes'][number];

/** hugetlb.<size>.*, one set of files for each huge page size (cgroup-v1/hugetlb.rst; cgroup-v2.rst, HugeTLB). */
export function readHugetlb(cgroup: CgroupDirectory): Reading<HugetlbSample> {
  return flatMapReading(cgroup.list(), names => {
    const sizes: HugetlbSize[] = [];
    for (const size of hugetlbSizes(names)) {
      const reading = readSize(cgroup, size);
      if (!reading.present) return reading;
      sizes.push(reading.value);
    }
    return sizes.length > 0 || cgroup.isRoot
      ? present({ sizes })
      : absent(
          `${cgroup.directory}/hugetlb.*`,
          'disabled',
          'this kernel has no huge pages, or the cgroup above does not hand on the hugetlb controller',
        );
  });
}

const usageName = /^hugetlb\.(\d+[KMG]B)\.(?:usage_in_bytes|current)$/;

/** `2MB` and `1GB` from the names in a cgroup directory; none at the root of v2. */
export const hugetlbSizes = (names: readonly string[]): readonly string[] =>
  names.flatMap(name => usageName.exec(name)?.[1] ?? []).sort();

function readSize(cgroup: CgroupDirectory, size: string): Reading<HugetlbSize> {
  const name = `hugetlb.${size}`;
  const [usage, limit] = cgroup.version === 'v1' ? ['usage_in_bytes', 'limit_in_bytes'] : ['current', 'max'];
  return flatMapReading(cgroup.read(`${name}.${usage}`), usageText =>
    flatMapReading(cgroup.read(`${name}.${limit}`), limitText =>
      flatMapReading(readFailures(cgroup, name), failureText =>
        mapReading(parsed(name, parseHugetlb(size, usageText, limitText, failureText)), sample => ({
          ...sample,
          ...readPeak(cgroup, name),
          ...readReserved(cgroup, name),
        })),
      ),
    ),
  );
}

function readPeak(cgroup: CgroupDirectory, name: string): Pick<HugetlbSize, 'peak'> {
  if (cgroup.version === 'v2') return {};
  const peak = countIn(cgroup, `${name}.max_usage_in_bytes`);
  return peak === undefined ? {} : { peak: bytes(peak) };
}

function readReserved(cgroup: CgroupDirectory, name: string): Pick<HugetlbSize, 'reserved'> {
  const [current, max] = cgroup.version === 'v1' ? ['usage_in_bytes', 'limit_in_bytes'] : ['current', 'max'];
  const usage = countIn(cgroup, `${name}.rsvd.${current}`);
  const limitText = cgroup.read(`${name}.rsvd.${max}`);
  const limit = limitText.present ? parseByteLimit(limitText.value) : undefined;
  if (usage === undefined || limit === undefined) return {};
  const failures = cgroup.version === 'v1' ? countIn(cgroup, `${name}.rsvd.failcnt`) : undefined;
  return { reserved: { usage: bytes(usage), limit, ...(failures === undefined ? {} : { failures }) } };
}

function countIn(cgroup: CgroupDirectory, name: string): number | undefined {
  const text = cgroup.read(name);
  return text.present ? parseSingleCount(text.value) : undefined;
}

/** The cgroup's own: v2's plain events are those of the subtree. */
function readFailures(cgroup: CgroupDirectory, name: string): Reading<string> {
  if (cgroup.version === 'v1') return cgroup.read(`${name}.failcnt`);
  const local = cgroup.read(`${name}.events.local`);
  return local.present ? local : cgroup.read(`${name}.events`);
}

/** Usage and limit in bytes; failures are v1's failcnt (`3`) or the `max 3` line of v2's events. */
export function parseHugetlb(
  size: string,
  usageText: string,
  limitText: string,
  failureText: string,
): HugetlbSize | undefined {
  const usage = parseSingleCount(usageText);
  const limit: Limit<Bytes> | undefined = parseByteLimit(limitText);
  const failures = eventCounts(failureText).max ?? parseSingleCount(failureText);
  if (usage === undefined || limit === undefined || failures === undefined) return undefined;
  return { size, usage: bytes(usage), limit, failures };
}

const eventCounts = keyedCounts('max');
