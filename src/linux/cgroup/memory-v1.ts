import { absent, flatMapReading, mapReading, orElse, parsed, present, type Reading } from '../reading.ts';
import { type Bytes, bytes, type Limit } from '../units.ts';
import { type CgroupDirectory, notSummed, otherVersion, sinceKernel } from './directory.ts';
import { keyedCounts, parseSingleCount } from './flat-keyed.ts';
import { parseByteLimit } from './memory-limit.ts';
import { parseMemoryStatV1 } from './memory-stat.ts';
import type { MemorySample, SwapSample } from './model.ts';

/** cgroup-v1/memory.rst. All amounts in bytes; a file that has one number has it alone on its line. */
export function readMemoryV1(cgroup: CgroupDirectory): Reading<MemorySample> {
  const count = (name: string): Reading<number> =>
    flatMapReading(cgroup.read(name), text => parsed(name, parseSingleCount(text)));
  const amount = (name: string): Reading<Bytes> => mapReading(count(name), bytes);

  return flatMapReading(amount('memory.usage_in_bytes'), usage =>
    flatMapReading(cgroup.read('memory.limit_in_bytes'), limitText =>
      flatMapReading(parsed('memory.limit_in_bytes', parseByteLimit(limitText)), limit => {
        const stat = cgroup.read('memory.stat');
        const swap = readSwap(cgroup, stat);
        const peak = amount('memory.max_usage_in_bytes');
        return mapReading(cgroup.read('memory.oom_control'), oomControl => ({
          usage,
          limit,
          high: otherVersion('memory.high', 'v2'),
          peak,
          limitHits: flatMapReading(count('memory.failcnt'), failures =>
            limitHitsV1(failures, orElse(count('memory.memsw.failcnt'), 0), limit, peak, swap),
          ),
          ...parseOomControl(oomControl),
          subtreeOomKills: notSummed(cgroup.directory),
          oomGroup: false,
          swap,
          breakdown: flatMapReading(stat, text =>
            parsed(
              'memory.stat',
              parseMemoryStatV1(text, sinceKernel(amount('memory.kmem.usage_in_bytes'), 'CONFIG_MEMCG_KMEM')),
            ),
          ),
        }));
      }),
    ),
  );
}

/** memory.oom_control: `oom_kill_disable 0`, `under_oom 0`, `oom_kill 3` (4.13). */
export function parseOomControl(
  text: string,
): Pick<MemorySample, 'oomKillDisabled' | 'underOom' | 'oomKills'> {
  const counts = oomControlCounts(text);
  return {
    oomKillDisabled: counts.oom_kill_disable === 1,
    underOom: counts.under_oom === 1,
    oomKills:
      counts.oom_kill === undefined
        ? absent('memory.oom_control oom_kill', 'kernel-too-old', 'needs Linux 4.13')
        : present(counts.oom_kill),
  };
}

const oomControlCounts = keyedCounts('oom_kill_disable', 'under_oom', 'oom_kill');

function readSwap(cgroup: CgroupDirectory, stat: Reading<string>): Reading<SwapSample> {
  const limitText = cgroup.read('memory.memsw.limit_in_bytes');
  if (!limitText.present && limitText.because === 'vanished')
    return absent(limitText.what, 'disabled', 'boot with swapaccount=1');
  return flatMapReading(limitText, text =>
    flatMapReading(stat, statText => parsed('memory.memsw.limit_in_bytes', parseMemsw(text, statText))),
  );
}

/** memsw.limit_in_bytes limits memory and swap together; what is swapped out is memory.stat's `total_swap`. */
export function parseMemsw(limitText: string, statText: string): SwapSample | undefined {
  const limit = parseByteLimit(limitText);
  const usage = swapCounts(statText).total_swap;
  if (limit === undefined || usage === undefined) return undefined;
  return { usage: bytes(usage), limitMeans: 'memory-and-swap', limit };
}

const swapCounts = keyedCounts('total_swap');

/**
 * memory.failcnt and memory.memsw.failcnt together: a charge is tried on memory+swap first (try_charge_memcg in
 * mm/memcontrol.c), so where both limits are equal the second file counts and the first stays at 0. Newer kernels
 * do not count on memory+swap at all (seen on 6.18: failures are tracked for the memory counter alone): then 0 at
 * a limit that has been reached is no count.
 */
export function limitHitsV1(
  memoryFailures: number,
  sumFailures: number,
  limit: Limit<Bytes>,
  peak: Reading<Bytes>,
  swap: Reading<SwapSample>,
): Reading<number> {
  const failures = memoryFailures + sumFailures;
  const sumLimit = swap.present && swap.value.limit.kind === 'limit' ? swap.value.limit.value : undefined;
  const maybeUncounted =
    failures === 0 && limit.kind === 'limit' && sumLimit !== undefined && sumLimit <= limit.value;
  if (!maybeUncounted || (peak.present && peak.value < limit.value * 0.98)) return present(failures);
  return absent(
    'memory.failcnt',
    'disabled',
    'this kernel counts no failed charges where memory.memsw.limit_in_bytes equals the memory limit; compare memory.max_usage_in_bytes with it',
  );
}
